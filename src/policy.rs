//! Policy files: what users write ([`raw`]), how it is found and read ([`load`]), what it means
//! ([`model`]), and the step between the two ([`lower`]).

pub mod model;
