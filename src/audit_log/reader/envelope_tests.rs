use super::*;
use serde_json::json;

const ENTRY: &str = "2026-11-20 10:00:00 UTC:[local]:alice@shop:[1]:LOG:  AUDIT: SESSION,1,1,READ,SELECT,,,select 1,<none>";

fn messages(value: Value) -> Vec<String> {
    let opened = open(value.to_string().as_bytes(), LogLinePrefix::Short).expect("json");
    let text = |event: &Event<'_>| String::from_utf8_lossy(&event.message).into_owned();
    opened.events.iter().map(text).collect()
}

#[test]
fn one_event_is_one_message_wherever_it_stands() {
    for value in [
        json!({"message": ENTRY}),
        json!({"a": {"b": {"c": ENTRY}}}),
        json!({"message": ENTRY, "event": {"original": ENTRY}}),
        json!({"short_message": &ENTRY[..50], "full_message": ENTRY}),
        json!({"log": json!({"message": ENTRY}).to_string()}),
        json!({"@timestamp": "2026-11-20 10:00:00.000", "time": "2026-11-20 10:00:00.765 UTC", "x": ENTRY}),
        json!([["1763632800000000000", ENTRY]]),
    ] {
        assert_eq!(messages(value.clone()), [ENTRY], "{value}");
    }
}

#[test]
fn different_messages_and_elements_of_lists_are_all_handed_on() {
    let other = ENTRY.replace("select 1", "select 2");
    assert_eq!(messages(json!({"a": ENTRY, "b": other})).len(), 2);
    assert_eq!(messages(json!([{"a": ENTRY}, {"a": ENTRY}])).len(), 2);
    assert_eq!(
        messages(json!({"values": [["1", ENTRY], ["2", ENTRY]]})).len(),
        2
    );
}

#[test]
fn what_is_no_message_is_none() {
    assert!(messages(json!({"a": 1, "b": "text", "c": ["x"]})).is_empty());
    assert_eq!(messages(json!({"message": "text", "b": "other"})), ["text"]);
    let nested = (0..40).fold(json!(ENTRY), |inner, _| json!({"a": inner}));
    assert!(open(nested.to_string().as_bytes(), LogLinePrefix::Short).is_err());
}
