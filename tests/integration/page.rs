//! The page of a change's impact, in a real browser.
//!
//! `PGVIGIL_PICTURES=DIR cargo test --test integration page::` writes what it looks like.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic"
)]

use std::net::TcpListener;
use std::path::PathBuf;

use pgvigil::report::impact::html;
use pgvigil::rules::impact::ImpactReport;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::impact_fixture::{empty, hostile, large, realistic, unchanged};

/// Rows of the table that can be seen.
const VISIBLE: &str = "return [...document.querySelectorAll('#groups tbody tr')].filter(row => row.offsetHeight > 0).length";

/// Where pictures go, if somebody wants to look.
pub(crate) fn pictures() -> Option<PathBuf> {
    std::env::var_os("PGVIGIL_PICTURES").map(PathBuf::from)
}

struct Page {
    browser: Browser,
    folder: tempfile::TempDir,
}

impl Page {
    fn new() -> Self {
        Self {
            browser: Browser::start(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Opens a page, gives its file.
    fn open(&self, html: &str) -> PathBuf {
        let file = self.folder.path().join("impact.html");
        std::fs::write(&file, html).unwrap();
        self.browser.requests();
        self.browser.open(&file);
        file
    }

    /// Opens the page of a report, and fails on any request, script or message that is not the page's own.
    #[track_caller]
    fn draw(&self, report: &ImpactReport) {
        let file = self.open(&html::render(report));
        assert_eq!(
            self.browser.requests(),
            [format!("file://{}", file.display())]
        );
        assert_eq!(self.browser.log("browser"), [""; 0], "the console is empty");
        assert_eq!(self.browser.run("return typeof window.owned"), "undefined");
    }

    #[track_caller]
    fn assert(&self, expected: impl Into<Value>, script: &str) {
        assert_eq!(self.browser.run(script), expected.into(), "{script}");
    }
}

#[test]
fn hostile_text_is_shown_and_runs_nothing() {
    let page = Page::new();
    page.draw(&hostile());
    let title = page.browser.run("return document.title");
    assert!(
        title.as_str().unwrap().starts_with("Exclusion review: "),
        "{title}"
    );
    // Only what the page brings itself.
    page.assert(json!([1, 1, 0, 0]), "return ['script', 'style', 'img, iframe, object, embed, link, base, form', 'h1 ~ h1'].map(s => document.querySelectorAll(s).length)");
    page.assert(0, "return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on') || a.name === 'style' || a.name === 'src').length");
    page.assert(0, "return [...document.querySelectorAll('a')].filter(a => !/^(#[a-z]|https:)/.test(a.getAttribute('href'))).length");
    let text = page
        .browser
        .run("return document.documentElement.textContent");
    let text = text.as_str().unwrap();
    for shown in [
        "<script>window.owned=1",
        "</td></tr></table><h1>approved</h1>",
        "\\u{202e}desrever",
        "${7*7}",
        "&lt;b&gt;",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    for refused in ['\u{202e}', '\u{1b}', '\u{2028}', '\u{200b}'] {
        assert!(!text.contains(refused), "{refused:?}");
    }

    // The policy is at work: what would run or call without it does neither.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    page.browser.run(&format!(
        "const script = document.createElement('script'); script.textContent = 'window.owned = 1'; document.body.append(script);\
         const image = new Image(); image.src = 'http://127.0.0.1:{port}/'; document.body.append(image);\
         fetch('http://127.0.0.1:{port}/').catch(() => 0);"
    ));
    page.assert("undefined", "return typeof window.owned");
    let told = page.browser.log("browser").join("\n");
    for directive in ["script-src", "img-src", "connect-src"] {
        assert!(told.contains(directive), "{directive}: {told}");
    }
    assert!(listener.accept().is_err(), "nothing has called");
}

#[test]
fn the_table_filters_and_sorts() {
    let page = Page::new();
    let (browser, report) = (&page.browser, large());
    page.draw(&report);
    page.assert(2_000, VISIBLE);
    browser.keys("#filter-text", "TABLE_0042");
    page.assert(2, VISIBLE);
    page.assert(
        "2 of 2,000 groups",
        "return document.getElementById('shown').textContent",
    );
    browser.keys("#filter-text", " loud");
    page.assert(1, VISIBLE);
    browser.click("#filter-reset");
    page.assert(2_000, VISIBLE);
    let choose = |name: &str, shown: &str| {
        browser.run(&format!(
            "const select = document.getElementById('filter-{name}');\
             select.value = [...select.options].find(one => one.text === '{shown}').value;\
             select.dispatchEvent(new Event('input', {{bubbles: true}}))"
        ));
    };
    choose("side", "newly loud");
    page.assert(1_000, VISIBLE);
    choose("by", "dbeaver-catalog");
    page.assert(0, VISIBLE);
    choose("side", "both");
    page.assert(1_000, VISIBLE);
    choose("user", "user_07");
    let expected = report
        .newly_silent
        .iter()
        .filter(|group| group.user == "user_07")
        .count();
    page.assert(expected, VISIBLE);
    browser.click("#filter-reset");

    let column = |number: usize| {
        format!(
            "return [...document.querySelectorAll('#groups tbody tr')].map(row => row.cells[{number}].textContent)"
        )
    };
    // By keyboard alone: the button of a column's head is reached and pressed.
    browser.run("document.querySelector('#groups th.number button').focus()");
    browser.press('\u{e007}');
    page.assert(
        "descending",
        "return document.querySelector('#groups th.number').getAttribute('aria-sort')",
    );
    let records = browser.run(&column(4));
    let records: Vec<u64> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap().replace(',', "").parse().unwrap())
        .collect();
    assert!(records.is_sorted_by(|a, b| a >= b) && records.len() == 2_000);
    browser.press('\u{e007}');
    page.assert(
        "ascending",
        "return document.querySelector('#groups th.number').getAttribute('aria-sort')",
    );
    browser.click("#groups th:nth-child(4) button");
    let objects = browser.run(&column(3));
    assert!(
        objects
            .as_array()
            .unwrap()
            .is_sorted_by(|a, b| a.as_str() <= b.as_str())
    );
    assert_eq!(browser.log("browser"), [""; 0]);
}

#[test]
fn themes_and_views_switch() {
    let page = Page::new();
    let browser = &page.browser;
    let ground = "return getComputedStyle(document.body).backgroundColor";
    browser.prefer("light");
    page.draw(&realistic());
    let light = browser.run(ground);
    browser.prefer("dark");
    let dark = browser.run(ground);
    assert_ne!(light, dark, "the system's wish");
    browser.click("#theme");
    assert_eq!(browser.run(ground), light, "the button");
    browser.click("#theme");
    assert_eq!(browser.run(ground), dark);

    let views =
        "return [...document.querySelectorAll('[data-view]')].map(view => view.offsetHeight > 0)";
    page.assert(json!([true, false, false]), views);
    browser.click("input[value=user]");
    page.assert(json!([false, true, false]), views);
    browser.click("input[value=exclusion]");
    page.assert(json!([false, false, true]), views);
    if let Some(folder) = pictures() {
        browser.click("input[value=user]");
        browser.run("document.getElementById('timeline').scrollIntoView()");
        std::fs::write(folder.join("by-user.png"), browser.picture()).unwrap();
        browser.click("input[value=exclusion]");
        browser.run("document.getElementById('timeline').scrollIntoView()");
        std::fs::write(folder.join("by-exclusion.png"), browser.picture()).unwrap();
    }
    // One chart for each that silenced something; two were idle.
    page.assert(5, "return [...document.querySelectorAll('[data-view=exclusion] figure')].filter(one => one.offsetHeight > 0).length");
    // The bars are the data: as many, and as high.
    let timeline = realistic().timeline;
    page.assert(
        timeline.counted.len(),
        "return document.querySelectorAll('[data-view=all] .counted svg g').length",
    );
    let most = timeline.counted.iter().max().unwrap();
    let first = timeline.counted[0] as f64 / *most as f64 * 100.0;
    let drawn = browser.run("return Number(document.querySelector('[data-view=all] .counted svg .bar').getAttribute('height'))");
    assert!(
        (drawn.as_f64().unwrap() - first).abs() < 0.2,
        "{drawn} {first}"
    );
}

#[test]
fn everything_can_be_seen_without_the_script() {
    let page = Page::new();
    let whole = html::render(&realistic());
    let (before, rest) = whole.split_once("<script>").unwrap();
    let (_, after) = rest.split_once("</script>").unwrap();
    page.open(&format!("{before}{after}"));
    page.assert(6, VISIBLE);
    page.assert(
        json!([true, true, true]),
        "return [...document.querySelectorAll('[data-view]')].map(view => view.offsetHeight > 0)",
    );
    page.assert(json!([]), "return [...document.querySelectorAll('button, select, input')].filter(one => one.offsetHeight > 0 && !one.closest('th')).map(one => one.id)");
}

/// Elements with text whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3), and the lowest found.
pub(crate) const CONTRAST: &str = r"
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = (colour) => numbers(colour).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (numbers(colour)[3] !== 0) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const found = [];
    for (const element of document.querySelectorAll('body *')) {
        const has = [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== '');
        if (!has || element.offsetHeight === 0 || element.closest('svg, option, script')) continue;
        const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < 4.5) found.push(contrast.toFixed(2) + ' ' + element.textContent.slice(0, 40));
    }
    return found";

/// Elements that reach beyond the right edge and cannot be scrolled by themselves.
pub(crate) const TOO_WIDE: &str = r"
    const wide = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= wide && innerWidth <= wide) return [];
    return [...document.querySelectorAll('body *')]
        .filter(one => one.getBoundingClientRect().right > wide && !one.closest('.scroll, pre'))
        .map(one => one.tagName + '.' + one.className + ' ' + one.textContent.slice(0, 40)).slice(0, 12)";

#[test]
fn it_fits_a_phone_and_can_be_read() {
    let page = Page::new();
    let browser = &page.browser;
    let pictures = pictures();
    let reports = [
        ("change", realistic()),
        ("hostile", hostile()),
        ("empty", empty()),
        ("unchanged", unchanged()),
    ];
    for (name, report) in reports {
        for (width, height) in [(1280, 900), (390, 844)] {
            browser.size(width, height);
            for scheme in ["light", "dark"] {
                browser.prefer(scheme);
                page.draw(&report);
                page.assert(json!([]), TOO_WIDE);
                page.assert(json!([]), CONTRAST);
                if let Some(folder) = &pictures {
                    std::fs::write(folder.join(format!("{name}.html")), html::render(&report))
                        .unwrap();
                    let file = format!("{name}-{width}-{scheme}.png");
                    std::fs::write(folder.join(file), browser.picture()).unwrap();
                    let whole = browser
                        .run("return document.documentElement.scrollHeight")
                        .as_u64()
                        .unwrap();
                    browser.size(width, u32::try_from(whole.min(6_000)).unwrap());
                    let file = format!("{name}-{width}-{scheme}-whole.png");
                    std::fs::write(folder.join(file), browser.picture()).unwrap();
                    browser.size(width, height);
                }
            }
        }
    }
    // Tables have heads, charts have words, controls have names.
    page.assert(0, "return [...document.querySelectorAll('table')].filter(table => !table.querySelector('thead th[scope=col]')).length");
    page.assert(0, "return [...document.querySelectorAll('svg')].filter(svg => !svg.getAttribute('aria-label')).length");
    page.assert(0, "return [...document.querySelectorAll('input, select')].filter(one => one.labels.length === 0).length");
}
