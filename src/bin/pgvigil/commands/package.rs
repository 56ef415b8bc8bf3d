//! `package`: the monitor for Lambda, in a zip file that is the same bytes wherever it is made.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use pgvigil::package::program::Glibc;
use pgvigil::package::toolchain::{BINARY, Build, triple};
use pgvigil::package::{Package, file_name};
use pgvigil::policy::model::{Architecture, Engine};
use serde_json::json;

use crate::args::{ArchitectureArg, PackageArgs, PackageFormat};
use crate::exit::{Exit, Ran};
use crate::session::Session;

/// The command that installs the build tools.
const INSTALL: &str = "pip install cargo-zigbuild ziglang";

pub(crate) fn run(session: &Session, args: &PackageArgs) -> Ran {
    let architecture = match (args.architecture, &args.env) {
        (Some(ArchitectureArg::Arm64), _) => Architecture::Arm64,
        (Some(ArchitectureArg::X86_64), _) => Architecture::X86_64,
        (None, Some(env)) => {
            let loaded = session.sound()?;
            let environment = session.environment(&loaded, env)?;
            if environment.engine == Engine::LogAlarm {
                session.say(&format!(
                    "error: the environment `{env}` has the engine `log-alarm`, which needs no package"
                ));
                return Ok(Exit::Usage);
            }
            environment.monitor.architecture
        }
        (None, None) => {
            session.say("error: no processor: give `--architecture` or `--env`");
            return Ok(Exit::Usage);
        }
    };
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => build(session, &args.source, architecture)?,
    };
    let shown = binary.display();
    let program = std::fs::read(&binary).with_context(|| format!("cannot read {shown}"))?;
    let package = Package::of(&program, architecture).with_context(|| format!("{shown}"))?;
    let path = match &args.out {
        None => PathBuf::from(file_name(architecture)),
        Some(out) if out.is_dir() => out.join(file_name(architecture)),
        Some(out) => out.clone(),
    };
    write(&path, &package.bytes)?;
    session.show(&report(&path, &package, args.format))?;
    Ok(Exit::Clean)
}

fn report(path: &Path, package: &Package, format: PackageFormat) -> String {
    let glibc = package
        .program
        .glibc
        .map(|Glibc(major, minor)| format!("{major}.{minor}"));
    match format {
        PackageFormat::Human => format!(
            "{}\n  architecture  {}\n  glibc         {}\n  size          {} bytes\n  sha256        {}\n  CodeSha256    {}\n",
            path.display(),
            package.program.architecture.name(),
            glibc.as_deref().unwrap_or("not needed"),
            package.bytes.len(),
            package.sha256(),
            package.code_sha256(),
        ),
        PackageFormat::Json => {
            let report = json!({
                "format_version": 1,
                "path": path.display().to_string(),
                "architecture": package.program.architecture.name(),
                "glibc": glibc,
                "size": package.bytes.len(),
                "sha256": package.sha256(),
                "code_sha256": package.code_sha256(),
            });
            format!("{report:#}\n")
        }
    }
}

/// Writes a whole file or none: an apply that runs at the same time must not upload half of it.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let done = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if done.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    done.with_context(|| format!("cannot write {}", path.display()))
}

/// Builds the monitor. What cargo says goes to stderr.
fn build(session: &Session, source: &Path, architecture: Architecture) -> anyhow::Result<PathBuf> {
    let source = std::path::absolute(source)?;
    let manifest = source.join("Cargo.toml");
    let is_source = std::fs::read_to_string(&manifest)
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "name = \"pgvigil\""));
    ensure!(
        is_source,
        "{} does not contain pgvigil's source: run this in its folder, name the folder with `--source`, or give a finished \
         program with `--binary`",
        source.display()
    );
    ensure!(
        runs("cargo-zigbuild", &["--version"]),
        "cargo-zigbuild is missing, which builds the program for the glibc of Lambda: `{INSTALL}`, or give a finished \
         program with `--binary`"
    );
    let target = triple(architecture);
    ensure!(
        has_library(&source, target),
        "this toolchain lacks the Rust library for {target}: `rustup target add {target}`, or build on a machine of that \
         kind and give the program with `--binary`"
    );
    let build = Build {
        source: &source,
        cargo_home: &cargo_home()?,
        target: &source.join("target").join("package"),
        architecture,
    };
    session.hint(&format!("building {BINARY} for {target}"));
    let status = Command::new("cargo")
        .args(build.arguments())
        .envs(build.variables())
        .env_remove("RUSTFLAGS")
        .current_dir(&source)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo could not build {BINARY}: see its output above");
    }
    Ok(build.program())
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Says whether the toolchain of the source can build for a target.
fn has_library(source: &Path, target: &str) -> bool {
    let said = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(source)
        .stdin(Stdio::null())
        .output();
    said.is_ok_and(|said| {
        said.status.success() && Path::new(String::from_utf8_lossy(&said.stdout).trim()).is_dir()
    })
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(std::path::absolute(home)?);
    }
    let home = std::env::home_dir().context("there is no home folder: set CARGO_HOME")?;
    Ok(home.join(".cargo"))
}
