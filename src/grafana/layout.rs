//! Panels, variables and the frame of a dashboard, as Grafana reads them.
//!
//! The fields are those of Grafana's own schema (`dashboard`, `timeseries`, `stat`, `table`); a test decodes every dashboard
//! with the classes that Grafana generates from it (PyPI, `grafana-foundation-sdk`).

use serde_json::{Value, json};

/// Columns of Grafana's grid.
const COLUMNS: u32 = 24;
/// Version of the dashboard's format: that of Grafana 10.1. Later ones convert it when they load it.
const SCHEMA_VERSION: u32 = 38;
/// Letters that name the queries of a panel.
const LETTERS: [&str; 26] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T", "U", "V", "W", "X", "Y", "Z",
];

/// How a panel shows its figures.
#[derive(Clone, Copy, Debug)]
pub(super) enum View {
    /// A line for each series.
    Graph,
    /// The same, one on top of the other.
    Stacked,
    /// One number.
    Number(Reduce, Judged),
    /// A row for each series.
    Table,
}

/// How a number is made of a series.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reduce {
    /// The newest value.
    Last,
    /// The sum of all values in the range.
    Sum,
    /// The greatest value in the range.
    Max,
}

/// Which numbers are bad.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judged {
    /// None of them.
    Neutral,
    /// Those that are this or more.
    BadFrom(f64),
    /// 0.
    BadIfZero,
}

/// A panel. Its place follows from its size and from the panels before it.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) description: String,
    pub(super) view: View,
    /// Grafana's name of the unit: `short`, `s`, `bytes`, …
    pub(super) unit: &'static str,
    /// In columns, of 24.
    pub(super) width: u32,
    /// The queries, without `refId` and `datasource`.
    pub(super) queries: Vec<Value>,
}

/// Panels under a heading.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) panels: Vec<Panel>,
}

/// A whole dashboard.
#[derive(Clone, Debug)]
pub(super) struct Dashboard {
    pub(super) uid: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// The type of the data source, and the variable that names it.
    pub(super) source: Source,
    /// The variables after the data source.
    pub(super) variables: Vec<Value>,
    pub(super) sections: Vec<Section>,
}

/// A kind of data source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// Grafana's name of the kind.
    pub(super) kind: &'static str,
    /// Name of the variable that chooses one.
    pub(super) variable: &'static str,
    /// What the variable is called on the dashboard.
    pub(super) label: &'static str,
}

impl Source {
    /// A reference to the data source that the variable names.
    pub(super) fn reference(self) -> Value {
        json!({ "type": self.kind, "uid": format!("${{{}}}", self.variable) })
    }

    fn variable(self) -> Value {
        json!({
            "type": "datasource",
            "name": self.variable,
            "label": self.label,
            "query": self.kind,
            "regex": "",
            "multi": false,
            "includeAll": false,
            "hide": 0,
            "refresh": 1,
        })
    }
}

impl Dashboard {
    /// The file that Grafana imports.
    pub(super) fn render(&self) -> String {
        let mut panels = Vec::new();
        let mut id = 0;
        let mut next = || {
            id += 1;
            id
        };
        let mut top = 0;
        for section in &self.sections {
            panels.push(json!({
                "id": next(), "type": "row", "title": section.title, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": top, "w": COLUMNS, "h": 1 },
            }));
            top += 1;
            let (mut left, mut height) = (0, 0);
            for panel in &section.panels {
                if left + panel.width > COLUMNS {
                    top += height;
                    (left, height) = (0, 0);
                }
                let place =
                    json!({ "x": left, "y": top, "w": panel.width, "h": panel.view.height() });
                panels.push(panel.render(self.source, next(), &place));
                left += panel.width;
                height = height.max(panel.view.height());
            }
            top += height;
        }
        let variables: Vec<Value> = [self.source.variable()]
            .into_iter()
            .chain(self.variables.iter().cloned())
            .collect();
        let dashboard = json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["pgvigil"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": true,
            "graphTooltip": 1,
            "timezone": "browser",
            "time": { "from": "now-6h", "to": "now" },
            "refresh": "1m",
            "templating": { "list": variables },
            "annotations": { "list": [] },
            "links": [],
            "panels": panels,
        });
        // Texts and numbers always serialise.
        let mut text = serde_json::to_string_pretty(&dashboard).unwrap_or_default();
        text.push('\n');
        text
    }
}

impl View {
    /// Height in rows of the grid.
    fn height(self) -> u32 {
        match self {
            Self::Number(..) => 4,
            Self::Graph | Self::Stacked | Self::Table => 8,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Graph | Self::Stacked => "timeseries",
            Self::Number(..) => "stat",
            Self::Table => "table",
        }
    }

    fn options(self) -> Value {
        match self {
            Self::Graph | Self::Stacked => json!({
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Self::Number(reduce, judged) => json!({
                "reduceOptions": { "values": false, "calcs": [reduce.name()], "fields": "" },
                "graphMode": "none",
                "colorMode": match judged {
                    Judged::Neutral => "none",
                    Judged::BadFrom(_) | Judged::BadIfZero => "background",
                },
                "justifyMode": "auto",
                "textMode": "auto",
                "orientation": "auto",
            }),
            Self::Table => json!({ "showHeader": true, "cellHeight": "sm" }),
        }
    }

    /// What decides the colour.
    fn thresholds(self) -> Value {
        let steps = match self {
            Self::Number(_, Judged::BadFrom(value)) => json!([
                { "color": "green", "value": null },
                { "color": "red", "value": value },
            ]),
            Self::Number(_, Judged::BadIfZero) => json!([
                { "color": "red", "value": null },
                { "color": "green", "value": 1.0 },
            ]),
            _ => json!([{ "color": "green", "value": null }]),
        };
        json!({ "mode": "absolute", "steps": steps })
    }

    fn custom(self) -> Value {
        match self {
            Self::Graph | Self::Stacked => json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if matches!(self, Self::Stacked) { 40 } else { 10 },
                "showPoints": "auto",
                // A window in which nothing happened has no value: a line through it would invent one.
                "spanNulls": false,
                "stacking": {
                    "mode": if matches!(self, Self::Stacked) { "normal" } else { "none" },
                    "group": "A",
                },
            }),
            Self::Number(..) => json!({}),
            Self::Table => json!({ "filterable": true, "inspect": false }),
        }
    }
}

impl Reduce {
    fn name(self) -> &'static str {
        match self {
            Self::Last => "lastNotNull",
            Self::Sum => "sum",
            Self::Max => "max",
        }
    }
}

impl Panel {
    fn render(&self, source: Source, id: u32, place: &Value) -> Value {
        let targets: Vec<Value> = self
            .queries
            .iter()
            .zip(LETTERS)
            .map(|(query, letter)| {
                let mut target = query.clone();
                if let Value::Object(fields) = &mut target {
                    fields.insert("refId".to_owned(), json!(letter));
                    fields.insert("datasource".to_owned(), source.reference());
                }
                target
            })
            .collect();
        let mut defaults = json!({ "unit": self.unit, "thresholds": self.view.thresholds() });
        let custom = self.view.custom();
        if let Value::Object(fields) = &mut defaults
            && custom != json!({})
        {
            fields.insert("custom".to_owned(), custom);
        }
        let mut panel = json!({
            "id": id,
            "type": self.view.kind(),
            "title": self.title,
            "description": self.description,
            "datasource": source.reference(),
            "gridPos": place,
            "options": self.view.options(),
            "fieldConfig": { "defaults": defaults, "overrides": [] },
            "targets": targets,
        });
        if matches!(self.view, View::Table)
            && let Value::Object(fields) = &mut panel
        {
            // The time of an instant query is now, in every row.
            let organise = json!({
                "id": "organize",
                "options": { "excludeByName": { "Time": true }, "renameByName": { "Value": "number" } },
            });
            fields.insert("transformations".to_owned(), json!([organise]));
        }
        panel
    }
}
