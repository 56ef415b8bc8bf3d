//! The key that an alias leads to.

use aws_sdk_kms::types::KeyState;

use super::clock::time;
use crate::cloud::aws::call::found;
use crate::cloud::aws::connect::Inner;
use crate::deploy::permission::Operation;
use crate::doctor::observation::{Answer, Key};

pub(super) async fn read(aws: &Inner, alias: &str) -> Answer<Key> {
    let answer = aws
        .caller
        .make(Operation::DescribeKey, alias, || {
            aws.keys.describe_key().key_id(alias).send()
        })
        .await;
    let Some(key) = found(answer)?.and_then(|answer| answer.key_metadata) else {
        return Ok(None);
    };
    let id = key.key_id();
    let rotation = aws
        .caller
        .make(Operation::GetKeyRotationStatus, id, || {
            aws.keys.get_key_rotation_status().key_id(id).send()
        })
        .await?;
    Ok(Some(Key {
        id: id.to_owned(),
        state: key
            .key_state()
            .map_or("unknown", KeyState::as_str)
            .to_owned(),
        deletion: key.deletion_date().and_then(time),
        rotation: rotation.key_rotation_enabled,
    }))
}
