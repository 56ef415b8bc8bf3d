//! Values that a user rarely wants otherwise, as this machine shows them.

use std::path::{Path, PathBuf};

use crate::args::ForgeArg;

/// The region that the AWS tools would use.
pub(super) fn usual_region() -> Option<String> {
    ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|region| !region.is_empty())
}

/// The forge in the remotes of the Git repository that contains the folder; GitHub if they do not show it.
pub(super) fn forge_of(root: &Path) -> ForgeArg {
    let mut at: Option<PathBuf> = std::path::absolute(root).ok();
    while let Some(folder) = at {
        if let Ok(config) = std::fs::read_to_string(folder.join(".git/config")) {
            let remotes = config
                .lines()
                .filter_map(|line| line.trim().strip_prefix("url = "));
            let is_gitlab = remotes.into_iter().any(|url| url.contains("gitlab"));
            return if is_gitlab {
                ForgeArg::Gitlab
            } else {
                ForgeArg::Github
            };
        }
        at = folder.parent().map(Path::to_owned);
    }
    ForgeArg::Github
}
