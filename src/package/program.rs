//! Whether a program runs on Lambda's `provided.al2023`: its processor, and what it needs of the system.

use std::fmt;

use object::Endianness;
use object::elf;
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use crate::policy::model::Architecture;

type Header = elf::FileHeader64<Endianness>;

/// The glibc of Amazon Linux 2023, which `provided.al2023` is
/// (<https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html>).
pub const GLIBC: Glibc = Glibc(2, 34);

/// Relative relocations in the packed form need this version; the symbol that says so bears no number.
const PACKED_RELOCATIONS: (&str, Glibc) = ("GLIBC_ABI_DT_RELR", Glibc(2, 36));

/// Libraries of glibc and of the compiler, which are there.
const LIBRARIES: [&str; 9] = [
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a program that would run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// For which processor it is.
    pub architecture: Architecture,
    /// The glibc that it needs at least; none when it brings everything along.
    pub glibc: Option<Glibc>,
}

/// Why a program would not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramFault {
    /// It is something else.
    #[error(
        "the program is not an ELF file: give the monitor as built for Linux, not a script or a program for another system"
    )]
    NotElf,
    /// It is of another word size or byte order.
    #[error("the program is 32-bit or big-endian, but Lambda runs 64-bit, little-endian programs")]
    Class,
    /// It is an object file, a core dump, …
    #[error("the file is ELF, but not a program that can be started")]
    NotProgram,
    /// It is for another processor.
    #[error(
        "the program is for {found}, but the package is for {}: build the program for that, or set `--architecture`",
        wanted.name()
    )]
    Architecture {
        /// For which it is.
        found: String,
        /// For which it should be.
        wanted: Architecture,
    },
    /// It needs a newer glibc.
    #[error(
        "the program needs glibc {needed} (`{library}`), but provided.al2023 has {GLIBC}: build it with cargo-zigbuild, or on Amazon Linux 2023"
    )]
    Glibc {
        needed: Glibc,
        /// The library that it needs in that version.
        library: String,
    },
    /// It asks for something of glibc's that no other program may use, or that is not understood.
    #[error("the program needs `{0}`, but pgvigil could not confirm that provided.al2023 has it")]
    Version(String),
    /// It is started by something that is not there.
    #[error(
        "the program is loaded by `{0}`, which provided.al2023 does not have: build it for glibc, or link it statically"
    )]
    Loader(String),
    /// It needs a library that is not there.
    #[error("the program needs `{0}`, which provided.al2023 does not have: link it statically")]
    Library(String),
    #[error("the program cannot be read: {0}")]
    Unreadable(String),
}

/// Says what a program needs, and refuses one that would not run.
///
/// # Errors
/// If it would not run, or nothing tells that it would.
pub fn check(program: &[u8], architecture: Architecture) -> Result<Program, ProgramFault> {
    let unreadable = |error: object::read::Error| ProgramFault::Unreadable(error.to_string());
    if !program.starts_with(&elf::ELFMAG) {
        return Err(ProgramFault::NotElf);
    }
    // Class and byte order stand behind the mark: 2 is 64 bits, 1 is little endian.
    if program.get(4..6) != Some(&[2, 1]) {
        return Err(ProgramFault::Class);
    }
    let header = Header::parse(program).map_err(unreadable)?;
    let endian = header.endian().map_err(unreadable)?;
    let wanted = match architecture {
        Architecture::X86_64 => elf::EM_X86_64,
        Architecture::Arm64 => elf::EM_AARCH64,
    };
    let found = header.e_machine(endian);
    if found != wanted {
        return Err(ProgramFault::Architecture {
            found: machine(found),
            wanted: architecture,
        });
    }
    if ![elf::ET_EXEC, elf::ET_DYN].contains(&header.e_type(endian)) {
        return Err(ProgramFault::NotProgram);
    }
    let mut loader = None;
    let mut is_dynamic = false;
    let mut is_startable = false;
    for segment in header
        .program_headers(endian, program)
        .map_err(unreadable)?
    {
        let kind = segment.p_type(endian);
        is_dynamic |= kind == elf::PT_DYNAMIC;
        is_startable |= kind == elf::PT_LOAD;
        if let Some(name) = segment.interpreter(endian, program).map_err(unreadable)? {
            loader = Some(text(name));
        }
    }
    if !is_startable || (header.e_type(endian) == elf::ET_DYN && !is_dynamic) {
        return Err(ProgramFault::NotProgram);
    }
    if let Some(loader) = loader.filter(|loader| !is_known(loader.rsplit('/').next())) {
        return Err(ProgramFault::Loader(loader));
    }
    let sections = header.sections(endian, program).map_err(unreadable)?;
    if is_dynamic && sections.is_empty() {
        return Err(ProgramFault::Unreadable(
            "its section headers are missing, so pgvigil cannot determine which libraries it needs"
                .to_owned(),
        ));
    }
    let dynamic = sections
        .dynamic_table(endian, program)
        .map_err(unreadable)?;
    for entry in dynamic.iter() {
        if entry.tag == elf::DT_NEEDED {
            let library = text(dynamic.string(entry).map_err(unreadable)?);
            if !is_known(Some(&library)) {
                return Err(ProgramFault::Library(library));
            }
        }
    }
    let mut most: Option<Glibc> = None;
    if let Some((mut libraries, strings)) =
        sections.gnu_verneed(endian, program).map_err(unreadable)?
    {
        let strings = sections
            .strings(endian, program, strings)
            .map_err(unreadable)?;
        while let Some((library, mut versions)) = libraries.next().map_err(unreadable)? {
            let library = text(library.file(endian, strings).map_err(unreadable)?);
            while let Some(version) = versions.next().map_err(unreadable)? {
                let name = text(version.name(endian, strings).map_err(unreadable)?);
                // The compiler's own library numbers otherwise, and is as old as its functions.
                if name.starts_with("GCC_") {
                    continue;
                }
                let Some(needed) = glibc(&name) else {
                    return Err(ProgramFault::Version(name));
                };
                if needed > GLIBC {
                    return Err(ProgramFault::Glibc { needed, library });
                }
                most = most.max(Some(needed));
            }
        }
    }
    Ok(Program {
        architecture,
        glibc: most,
    })
}

/// The version that a name of a symbol's version stands for: `GLIBC_2.17`, `GLIBC_2.2.5`.
fn glibc(name: &str) -> Option<Glibc> {
    if name == PACKED_RELOCATIONS.0 {
        return Some(PACKED_RELOCATIONS.1);
    }
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
    let mut next = || -> Option<u32> { numbers.next()?.parse().ok() };
    Some(Glibc(next()?, next()?))
}

fn is_known(library: Option<&str>) -> bool {
    library.is_some_and(|library| LIBRARIES.contains(&library))
}

/// A name in a program is as hostile as any other text.
fn text(name: &[u8]) -> String {
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name)
        .chars()
        .filter(|character| !character.is_control())
        .take(120)
        .collect()
}

fn machine(machine: elf::Machine) -> String {
    match machine {
        elf::EM_X86_64 => Architecture::X86_64.name().to_owned(),
        elf::EM_AARCH64 => Architecture::Arm64.name().to_owned(),
        elf::EM_386 => "x86".to_owned(),
        elf::EM_ARM => "arm".to_owned(),
        elf::EM_RISCV => "riscv".to_owned(),
        other => format!("the ELF machine {}", other.0),
    }
}
