//! What is worked out about the slots of a region: what each node does with them ([`effects`]),
//! what its uses ask a value to be ([`kinds`], backward), and how values are held ([`states`],
//! forward).

pub(crate) mod effects;
pub(crate) mod kinds;
pub(crate) mod representation;
pub(crate) mod states;
