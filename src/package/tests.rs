use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::program::Glibc;
use super::toolchain::Build;
use super::*;

/// An ELF file that is started by nothing and needs nothing: its head, and one segment to load.
pub(crate) fn smallest(machine: u16) -> Vec<u8> {
    let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    elf.resize(16, 0);
    elf.extend(2u16.to_le_bytes());
    elf.extend(machine.to_le_bytes());
    elf.extend(1u32.to_le_bytes());
    elf.extend(0u64.to_le_bytes());
    elf.extend(64u64.to_le_bytes());
    elf.extend(0u64.to_le_bytes());
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 64, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend(1u32.to_le_bytes());
    elf.extend(5u32.to_le_bytes());
    for word in [0u64, 0, 0, 120, 120, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf
}

const X86: u16 = 62;
const ARM: u16 = 183;

#[test]
fn a_package_opens_to_what_went_in() {
    let program = smallest(ARM);
    let package = Package::of(&program, Architecture::Arm64).unwrap();
    let again = Package::of(&program, Architecture::Arm64).unwrap();
    assert_eq!(package, again);
    assert_eq!(archive::read(&package.bytes).unwrap(), program);
    assert_eq!(
        Package::open(package.bytes.clone(), Architecture::Arm64).unwrap(),
        package
    );
    assert_eq!(package.sha256().len(), 64);
    assert_eq!(package.code_sha256().len(), 44);
}

/// The bytes are what a plan compares: another compressor, level or time stamp would show as a change of every function.
#[test]
fn t14_the_bytes_are_pinned() {
    let text: Vec<u8> = (0..100_000u32)
        .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
        .collect();
    let mut program = smallest(X86);
    program.extend(text);
    let package = Package::of(&program, Architecture::X86_64).unwrap();
    insta::assert_snapshot!(format!("{} {}", package.bytes.len(), package.sha256()), @"377479 1fbf6efc14adb6cdcd65ec501fa7038bf60c910f11e26f8521a86297017dd623");
}

#[test]
fn others_read_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("package.zip");
    let package = Package::of(&smallest(ARM), Architecture::Arm64).unwrap();
    std::fs::write(&zip, &package.bytes).unwrap();
    let code = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                for i in z.infolist(): print(i.filename, oct(i.external_attr >> 16), i.date_time, i.create_system, i.file_size)";
    let said = Command::new("python3")
        .args(["-c", code])
        .arg(&zip)
        .output()
        .expect("python3 is missing: tests/run installs what tests need");
    assert!(said.status.success(), "{said:?}");
    assert_eq!(
        String::from_utf8(said.stdout).unwrap(),
        "bootstrap 0o100755 (1980, 1, 1, 0, 0, 0) 3 120\n"
    );
}

#[test]
fn what_is_no_package_is_refused() {
    let open = |bytes: &[u8]| {
        Package::open(bytes.to_vec(), Architecture::Arm64)
            .unwrap_err()
            .to_string()
    };
    assert!(
        open(b"").contains("not a readable zip file"),
        "{}",
        open(b"")
    );
    assert!(open(b"PK\x03\x04 and nothing").contains("not a readable zip file"));
    let package = Package::of(&smallest(ARM), Architecture::Arm64).unwrap();
    let mut other = package.bytes.clone();
    for at in 0..other.len() - 9 {
        if &other[at..at + 9] == b"bootstrap" {
            other[at] = b'B';
        }
    }
    assert!(
        open(&other).contains("does not contain `bootstrap`"),
        "{}",
        open(&other)
    );
    // Every cut and every flipped byte is refused or gives the same program.
    for length in 0..package.bytes.len() {
        assert!(archive::read(&package.bytes[..length]).is_err(), "{length}");
    }
    for at in 0..package.bytes.len() {
        let mut damaged = package.bytes.clone();
        damaged[at] ^= 0x55;
        if let Ok(program) = archive::read(&damaged) {
            assert_eq!(program, smallest(ARM), "{at}");
        }
    }
}

#[test]
fn programs_that_would_not_run_are_refused() {
    let said = |program: &[u8], architecture| {
        program::check(program, architecture)
            .unwrap_err()
            .to_string()
    };
    for script in [&b"#!/bin/sh\n"[..], b"", b"MZ\x90", b"\xcf\xfa\xed\xfe"] {
        assert_eq!(
            said(script, Architecture::Arm64),
            ProgramFault::NotElf.to_string()
        );
    }
    assert_eq!(
        said(&smallest(X86), Architecture::Arm64),
        "the program is for x86_64, but the package is for arm64: build the program for that, or set `--architecture`"
    );
    assert!(said(&smallest(ARM), Architecture::X86_64).contains("for arm64, but"));
    assert!(said(&smallest(21), Architecture::X86_64).contains("ELF machine 21"));
    let mut narrow = smallest(X86);
    narrow[4] = 1;
    assert!(said(&narrow, Architecture::X86_64).contains("32-bit"));
    let mut object = smallest(X86);
    object[16] = 1;
    assert!(said(&object, Architecture::X86_64).contains("not a program"));
    let mut library = smallest(X86);
    library[16] = 3;
    assert!(said(&library, Architecture::X86_64).contains("not a program"));
}

/// The test itself is a program of this machine: what it needs is what `ldd` and the linker know of it.
#[test]
fn reads_what_a_real_program_needs() {
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let architecture = if cfg!(target_arch = "aarch64") {
        Architecture::Arm64
    } else {
        Architecture::X86_64
    };
    match program::check(&own, architecture) {
        Ok(program) => assert!(program.glibc.unwrap() >= Glibc(2, 14), "{program:?}"),
        Err(ProgramFault::Glibc { needed, .. }) => assert!(needed > program::GLIBC),
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    /// A hostile file is refused, and nothing else happens.
    #[test]
    fn no_file_does_harm(at in 0usize..120, byte in any::<u8>(), tail in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut program = smallest(X86);
        program[at] = byte;
        program.extend(&tail);
        let _ = program::check(&program, Architecture::X86_64);
        let _ = archive::read(&tail);
    }
}

#[test]
fn a_build_leaves_no_trace_of_its_machine() {
    let build = Build {
        source: Path::new("/home/a b/pgvigil"),
        cargo_home: Path::new("/home/a b/.cargo"),
        target: Path::new("/home/a b/pgvigil/target/package"),
        architecture: Architecture::Arm64,
    };
    let arguments: Vec<String> = build
        .arguments()
        .into_iter()
        .map(|word| word.into_string().unwrap())
        .collect();
    assert_eq!(
        arguments.join(" "),
        "zigbuild --locked --profile monitor --no-default-features --features monitor --bin pgvigil-monitor --target \
         aarch64-unknown-linux-gnu.2.34 --manifest-path /home/a b/pgvigil/Cargo.toml --target-dir \
         /home/a b/pgvigil/target/package"
    );
    assert_eq!(
        build.program(),
        Path::new(
            "/home/a b/pgvigil/target/package/aarch64-unknown-linux-gnu/monitor/pgvigil-monitor"
        )
    );
    let variables = build.variables();
    let flags = variables[0].1.to_str().unwrap();
    assert_eq!(
        flags.split('\u{1f}').collect::<Vec<_>>(),
        [
            "--remap-path-prefix=/home/a b/pgvigil=/pgvigil",
            "--remap-path-prefix=/home/a b/pgvigil/target/package=/target",
            "--remap-path-prefix=/home/a b/.cargo=/cargo",
        ]
    );
    // The same arguments on every machine but for its folders.
    assert_eq!(
        toolchain::triple(Architecture::X86_64),
        "x86_64-unknown-linux-gnu"
    );
}
