//! cps-core
