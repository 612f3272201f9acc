//! The manifest of a server: which versions of which rocks it has, and in which forms.

use crate::data::global_of;
use crate::tree::{Branch, Tree};
use crate::version::Version;

/// A form in which a server has a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// The rockspec and the sources in one archive.
    Source,
    /// The rockspec, which has the address of the sources.
    Rockspec,
    /// What is installed, in one archive.
    Installed,
}

/// The rocks of a server.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    rocks: Branch,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// The message, if it is invalid.
    pub(crate) fn parse(text: &[u8]) -> Result<Manifest, String> {
        match global_of(text, "repository")? {
            Some(rocks) => Ok(Manifest { rocks }),
            None => Err("it has no 'repository'".into()),
        }
    }

    /// The versions of a rock, each with its forms; those are left out that have none for us.
    pub(crate) fn versions(&self, name: &str) -> Vec<(Version, Vec<Form>)> {
        let versions = self.rocks.branch(name).ok().flatten();
        let versions = versions.into_iter().flat_map(Branch::fields);
        let read = versions.filter_map(|(version, forms)| {
            let Tree::Table(forms) = forms else { return None };
            let form = |tree: &Tree| match tree {
                Tree::Table(form) => match form.text("arch").ok()?? {
                    "src" => Some(Form::Source),
                    "rockspec" => Some(Form::Rockspec),
                    "all" => Some(Form::Installed),
                    _ => None,
                },
                _ => None,
            };
            let mut forms: Vec<Form> = forms.list.iter().filter_map(form).collect();
            forms.sort_unstable();
            Some((Version::parse(version)?, forms))
        });
        read.filter(|(_, forms)| !forms.is_empty()).collect()
    }
}
