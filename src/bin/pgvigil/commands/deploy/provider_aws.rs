//! AWS as the provider of an environment.

#[cfg(feature = "aws")]
mod account;
mod port;

#[cfg(not(feature = "aws"))]
use absent as account;
pub(crate) use account::{
    canary, cloud, finder, lister, proving, reader, recording, retirer, running, witness,
};
pub(crate) use port::{Proving, Recording, Running};

#[cfg(not(feature = "aws"))]
mod absent {
    use pgvigil::begin::ClusterLister;
    use pgvigil::deploy::blame::Witness;
    use pgvigil::deploy::{Cloud, Reader};
    use pgvigil::policy::model::Environment;
    use pgvigil::takeover::adopt::{Finder, Retirer};

    use super::port::{Proving, Recording, Running};
    use crate::commands::deploy::ground::{Ground, NoProvider};
    use crate::feature::{lacking, lacks};

    macro_rules! refuse {
        ($($name:ident: $port:ident),+) => {$(
            pub(crate) fn $name(_: Ground<'_>, of: &Environment) -> anyhow::Result<Box<dyn $port>> {
                let (name, what) = (&of.name, lacks("aws"));
                let why = format!("the environment `{name}` is deployed to `aws`, but {what}");
                Err(NoProvider(why).into())
            }
        )+};
    }

    refuse!(
        reader: Reader,
        cloud: Cloud,
        witness: Witness,
        running: Running,
        canary: Running,
        proving: Proving,
        recording: Recording,
        finder: Finder,
        retirer: Retirer
    );

    pub(crate) fn lister(_: Ground<'_>, _: &Environment) -> anyhow::Result<Box<dyn ClusterLister>> {
        Err(lacking("aws"))
    }
}
