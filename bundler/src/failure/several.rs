// SPDX-License-Identifier: Apache-2.0
//! Everything that is in the way of a command, told at once: nobody mends ten things in ten runs.

use verifier::error::Class;

use super::Failure;

/// One failure or more, in the order in which they are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    first: Failure,
    others: Vec<Failure>,
}

impl Failures {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Failure> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// The one that decides the exit code: the first of the highest class.
    pub fn worst(&self) -> &Failure {
        let class = |failure: &Failure| failure.refusal().class as u8;
        let higher = |worst, next| if class(next) > class(worst) { next } else { worst };
        self.others.iter().fold(&self.first, higher)
    }

    /// The exit code.
    pub fn class(&self) -> Class {
        self.worst().refusal().class
    }

    /// Whether there are several.
    pub fn are_several(&self) -> bool {
        !self.others.is_empty()
    }
}

impl From<Failure> for Failures {
    fn from(first: Failure) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Failures as they come up, while the work goes on.
#[derive(Debug, Default)]
pub struct Gathered(Vec<Failure>);

impl Gathered {
    /// Adds one. What says the same word for word is told once: a token that is missing is missing for every file.
    pub fn add(&mut self, failure: Failure) {
        if !self.0.iter().any(|told| told.refusal() == failure.refusal()) {
            self.0.push(failure);
        }
    }

    /// What a step brought, or nothing, its failure being noted.
    pub fn keep<T>(&mut self, result: Result<T, Failure>) -> Option<T> {
        result.map_err(|failure| self.add(failure)).ok()
    }

    /// An error where anything has failed.
    pub fn end(self) -> Result<(), Failures> {
        let mut all = self.0.into_iter();
        match all.next() {
            None => Ok(()),
            Some(first) => Err(Failures { first, others: all.collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use verifier::error::Code;

    use super::*;

    #[test]
    fn the_worst_decides_and_the_same_is_told_once() {
        let mut gathered = Gathered::default();
        let failure = |code, subject| Failure::new(code, subject, "fails");
        for one in [
            failure(Code::EvidenceBad, "a"),
            failure(Code::FetchFailed, "b"),
            failure(Code::EvidenceBad, "a"),
            failure(Code::NoSpace, "c"),
        ] {
            gathered.add(one);
        }
        let failures = gathered.end().unwrap_err();
        assert_eq!(failures.iter().count(), 3);
        assert_eq!(failures.worst().refusal().subject, "b");
        assert_eq!(failures.class(), Class::Machine);
        assert!(Gathered::default().end().is_ok());
    }
}
