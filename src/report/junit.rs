//! JUnit XML: gates as test cases, for the CI systems that show those.

use super::document::Document;
use super::{Exporter, Printable, Style};
use crate::registry::Named;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

#[derive(Debug)]
pub(super) struct Junit;

impl Named for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn summary(&self) -> &'static str {
        "Gates as test cases, for CI systems"
    }
}

impl Exporter for Junit {
    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn render(&self, document: &Printable, _: Style) -> Vec<u8> {
        let mut suite = TestSuite::new(document.title());
        let records = document.records();
        // A document of one record is a description, whose fields are the suite's properties.
        if let [record] = records.rows.as_slice() {
            let fields = records.header.iter().zip(record).filter(|(_, value)| !value.is_empty());
            suite.add_properties(fields.map(|(name, value)| Property::new(name.as_str(), value.as_str())));
        }
        for check in document.checks() {
            let status = if check.passed {
                TestCaseStatus::success()
            } else {
                let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
                failure.set_message(check.summary.as_str()).set_type(check.name.as_str());
                failure
            };
            let mut case = TestCase::new(check.name, status);
            case.set_classname(env!("CARGO_PKG_NAME")).set_system_out(check.summary);
            suite.add_test_case(case);
        }
        let mut report = Report::new(env!("CARGO_PKG_NAME"));
        report.add_test_suite(suite);
        report.to_string().expect("memory does not fail").into_bytes()
    }
}
