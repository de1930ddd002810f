use std::sync::OnceLock;

use bytes::Bytes;
use http::{Extensions, Response};

use crate::hand_over::HandOver;
use crate::question::Question;
use crate::{Context, Principal};

/// A request, from `handle` to `respond`: its cookie is a pointer to this.
pub(crate) struct Exchange {
    pub(crate) hand_over: HandOver<Question, Response<Bytes>>,
    /// May borrow from the host, which lives as long as the instance, and so longer.
    pub(crate) principal: OnceLock<Principal<'static>>,
    extensions: Extensions,
}

impl Exchange {
    pub(crate) fn new(extensions: Extensions) -> Self {
        Self { hand_over: HandOver::new(), principal: OnceLock::new(), extensions }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { principal: self.principal.get(), extensions: &self.extensions }
    }
}
