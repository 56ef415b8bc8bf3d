//! Every request that our program makes of AWS is one that the services' models take (`tests/moto/contract.py`): each test on
//! moto ends with that question. Here the question itself is tested.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use crate::moto::Moto;

/// Makes a request as our program's SDK signs it.
fn send(moto: &Moto, service: &str, path: &str, headers: &str, body: &str) {
    let headers = format!(
        "{headers}User-Agent: aws-sdk-rust/1\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=AKIATEST/20260101/eu-central-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    );
    moto.send("POST", path, &headers, body);
}

#[test]
fn what_the_models_refuse_is_found() {
    let moto = Moto::start();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let json = "Content-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Logs_20140328.";
    // The query protocol: a member that is missing, and one that nobody knows.
    send(
        &moto,
        "sns",
        "/",
        form,
        "Action=Subscribe&Version=2010-03-31&TopicArn=arn&Endpont=x",
    );
    // JSON: a name of characters that are not allowed, and a number where a text belongs.
    let target = format!("{json}PutRetentionPolicy\r\n");
    send(
        &moto,
        "logs",
        "/",
        &target,
        r#"{"logGroupName": "a b", "retentionInDays": "1"}"#,
    );
    let target = format!("{json}CreateLogGroup\r\n");
    send(
        &moto,
        "logs",
        "/",
        &target,
        r#"{"logGroupName": "fine", "logGroupClass": "CHEAP", "other": 1}"#,
    );
    // JSON over paths: a number above the range, and a member that nobody knows.
    let path = "/2015-03-31/functions";
    let body = r#"{"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Code": {}, "Timeout": 0, "Tracing": 1}"#;
    send(
        &moto,
        "lambda",
        path,
        "Content-Type: application/json\r\n",
        body,
    );
    let refused = moto.refused();
    let has = |words: &str| {
        assert!(
            refused.iter().any(|one| one.contains(words)),
            "{words}: {refused:#?}"
        )
    };
    has("Subscribe.Protocol is missing");
    has("Subscribe: 2 values were sent, and the model knows 1 of them");
    has("PutRetentionPolicy.logGroupName is not as");
    has("CreateLogGroup.logGroupClass is not one of");
    has("CreateLogGroup.other is not a member");
    has("CreateFunction.Timeout: 0 is below 1");
    has("CreateFunction.Tracing is not a member");
    assert_eq!(moto.refused(), [""; 0]);

    // Tests may ask for what they like.
    moto.call(
        "eu-central-1",
        "logs",
        Some("Logs_20140328.CreateLogGroup"),
        r#"{"logGroupName": "mine", "other": 1}"#,
    );
    assert_eq!(moto.refused(), [""; 0]);
}
