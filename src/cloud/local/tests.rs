use std::collections::BTreeSet;

use super::*;
use crate::compile::resources::testing;
use crate::deploy::port::Identity;
use crate::deploy::{apply, plan};

struct World {
    folder: tempfile::TempDir,
    identity: Identity,
    documents: Vec<Document>,
}

fn world() -> World {
    let environment = testing::local("dev", &["demo"]);
    World {
        folder: tempfile::tempdir().unwrap(),
        identity: Identity::of(&environment),
        documents: testing::documents(&environment),
    }
}

impl World {
    fn cloud(&self) -> LocalFolder {
        LocalFolder::new(self.folder.path(), "dev")
    }

    fn applied() -> Self {
        let world = world();
        let cloud = world.cloud();
        let plan = plan(&world.identity, &world.documents, &cloud, &BTreeSet::new()).unwrap();
        apply(&plan, &cloud, &BTreeSet::new(), &mut ()).unwrap();
        world
    }

    fn one(&self, kind: Kind) -> &Document {
        self.documents
            .iter()
            .find(|document| document.kind == kind)
            .unwrap()
    }

    fn path(&self, kind: Kind) -> PathBuf {
        self.cloud().path(&self.one(kind).address)
    }
}

#[test]
fn writes_one_file_for_each_resource_and_no_other() {
    let world = World::applied();
    let found = world
        .cloud()
        .list(&Scope {
            environment: "dev".to_owned(),
        })
        .unwrap();
    let addresses: BTreeSet<_> = found.iter().map(|found| found.address.clone()).collect();
    let asked: BTreeSet<_> = world
        .documents
        .iter()
        .map(|document| document.address.clone())
        .collect();
    assert_eq!(addresses, asked);
    assert!(found.iter().all(|found| found.kind.is_some()
        && found.digest == found.applied
        && found.digest.is_some()));
    let text = fs::read_to_string(world.path(Kind::SnsSubscription)).unwrap();
    assert!(text.starts_with("{\n") && text.ends_with("}\n"));
}

#[test]
fn broken_json_is_unreadable_with_its_place() {
    let world = World::applied();
    let path = world.path(Kind::Alarm);
    fs::write(&path, "{\n  \"a\": ,\n}").unwrap();
    let error = world.cloud().read(world.one(Kind::Alarm)).unwrap_err();
    let CloudError::Unreadable { resource, message } = &error else {
        panic!("{error}")
    };
    assert_eq!(*resource, format!("{}:2:8", path.display()));
    assert!(message.contains("fix the file"), "{message}");
    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(matches!(
        world.cloud().read(world.one(Kind::Alarm)),
        Err(CloudError::Unreadable { .. })
    ));
}

#[test]
fn a_broken_fingerprint_is_none_at_all() {
    let world = World::applied();
    fs::write(applied_path(&world.path(Kind::Alarm)), b"\xff garbage").unwrap();
    let Reading::Present(live) = world.cloud().read(world.one(Kind::Alarm)).unwrap() else {
        panic!()
    };
    assert_eq!(live.applied, None);
}

#[test]
fn unknown_files_are_found_and_never_deleted() {
    let world = World::applied();
    let base = world.cloud().base().to_owned();
    fs::write(base.join("notes.txt"), "mine").unwrap();
    fs::create_dir_all(base.join("demo/alarm/folder.json")).unwrap();
    fs::create_dir_all(base.join("demo/thing")).unwrap();
    fs::write(base.join("demo/thing/a.json"), "{}").unwrap();
    let cloud = world.cloud();
    let found = cloud
        .list(&Scope {
            environment: "dev".to_owned(),
        })
        .unwrap();
    let unknown: Vec<&Found> = found.iter().filter(|found| found.kind.is_none()).collect();
    let addresses: Vec<&str> = unknown.iter().map(|found| found.address.as_str()).collect();
    assert_eq!(
        addresses,
        ["demo/alarm/folder.json", "demo/thing/a.json", "notes.txt"]
    );
    for found in unknown {
        assert!(matches!(
            cloud.delete(found),
            Err(CloudError::Protected { .. })
        ));
    }
    assert!(base.join("notes.txt").exists());
}

#[test]
fn what_is_protected_is_never_deleted() {
    let world = World::applied();
    let cloud = world.cloud();
    for found in cloud
        .list(&Scope {
            environment: "dev".to_owned(),
        })
        .unwrap()
    {
        let protected = found.kind.unwrap().is_protected();
        assert_eq!(
            cloud.delete(&found).is_err(),
            protected,
            "{}",
            found.address
        );
        assert_eq!(cloud.path(&found.address).exists(), protected);
        assert_eq!(
            applied_path(&cloud.path(&found.address)).exists(),
            protected
        );
    }
}

#[test]
fn a_write_that_finds_something_else_is_a_conflict() {
    let world = World::applied();
    let document = world.one(Kind::Alarm);
    let other = Fingerprint::of(Kind::Alarm, &Value::Null);
    for expected in [Expected::Absent, Expected::Present(&other)] {
        assert!(matches!(
            world.cloud().put(document, expected),
            Err(CloudError::Conflict { .. })
        ));
    }
}

#[test]
fn a_second_apply_is_kept_away_while_the_first_lives() {
    let world = world();
    let scope = Scope {
        environment: "dev".to_owned(),
    };
    let held = world.cloud().lock(&scope).unwrap();
    let Err(CloudError::Locked { holder, .. }) = world.cloud().lock(&scope) else {
        panic!()
    };
    assert_eq!(holder, Some(format!("process {}", std::process::id())));
    drop(held);
    // What a killed process leaves behind is a file, not a lock.
    assert!(world.cloud().base().join(".lock").exists());
    world.cloud().lock(&scope).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_told_clearly_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in-the-way");
    fs::write(&file, "").unwrap();
    let cloud = LocalFolder::new(&file, "dev");
    let Err(error) = cloud.lock(&Scope {
        environment: "dev".to_owned(),
    }) else {
        panic!()
    };
    assert!(error.to_string().contains("in-the-way"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
}

#[test]
fn a_write_that_fails_leaves_the_old_text_and_no_other_file() {
    let world = World::applied();
    let document = world.one(Kind::Alarm);
    let cloud = world.cloud();
    let path = cloud.path(&document.address);
    let old = fs::read_to_string(&path).unwrap();
    // A folder where the temporary file would be, as a stand-in for a full disk.
    fs::create_dir(beside(&path, ".new")).unwrap();
    let changed = Document {
        properties: Value::from("other"),
        ..document.clone()
    };
    let print = Fingerprint::of_document(document);
    assert!(cloud.put(&changed, Expected::Present(&print)).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), old);
}

#[test]
fn errors_of_the_system_say_what_and_where() {
    let path = Path::new("x/y.json");
    for (kind, text) in [
        (
            io::ErrorKind::PermissionDenied,
            "not allowed to write x/y.json: permission denied",
        ),
        (
            io::ErrorKind::ReadOnlyFilesystem,
            "not allowed to write x/y.json: the file system is read-only",
        ),
        (
            io::ErrorKind::StorageFull,
            "cannot write x/y.json: the disk is full",
        ),
    ] {
        assert_eq!(
            io_error("write", path, &io::Error::from(kind)).to_string(),
            text
        );
    }
}
