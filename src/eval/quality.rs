//! How well a network did its task, and the figure that runs are held against each other by.

use super::{Accuracy, Detection};
use crate::model::Task;
use serde::Serialize;

/// How well a network did, by its task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Quality {
    /// Of a classifier.
    #[serde(rename = "accuracy")]
    Accuracy(Accuracy),
    /// Of an anomaly detector.
    #[serde(rename = "detection")]
    Detection(Detection),
}

/// The figure that a network is known by: a fraction, higher when better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// Top-1 accuracy of a classifier.
    Top1(f64),
    /// Area under the ROC curve of an anomaly detector.
    Auc(f64),
}

impl Quality {
    /// The figure that the network is known by.
    pub fn figure(&self) -> Figure {
        match self {
            Quality::Accuracy(accuracy) => Figure::Top1(accuracy.top1),
            Quality::Detection(detection) => Figure::Auc(detection.auc),
        }
    }

    /// The 95 % interval of the figure.
    pub fn ci95(&self) -> [f64; 2] {
        match self {
            Quality::Accuracy(accuracy) => accuracy.ci95,
            Quality::Detection(detection) => detection.ci95,
        }
    }

    /// A classifier's counts.
    pub fn accuracy(&self) -> Option<&Accuracy> {
        match self {
            Quality::Accuracy(accuracy) => Some(accuracy),
            Quality::Detection(_) => None,
        }
    }

    /// An anomaly detector's areas.
    pub fn detection(&self) -> Option<&Detection> {
        match self {
            Quality::Accuracy(_) => None,
            Quality::Detection(detection) => Some(detection),
        }
    }
}

impl Figure {
    /// The figure of a network for `task`.
    pub fn of(task: Task, value: f64) -> Self {
        match task {
            Task::Classification => Figure::Top1(value),
            Task::AnomalyDetection => Figure::Auc(value),
        }
    }

    /// The fraction.
    pub fn value(self) -> f64 {
        match self {
            Figure::Top1(value) | Figure::Auc(value) => value,
        }
    }

    /// What it is a figure of.
    pub fn task(self) -> Task {
        match self {
            Figure::Top1(_) => Task::Classification,
            Figure::Auc(_) => Task::AnomalyDetection,
        }
    }

    /// The fraction where it is top-1 accuracy.
    pub fn top1(self) -> Option<f64> {
        Some(self.value()).filter(|_| self.task() == Task::Classification)
    }

    /// The fraction where it is an area under the ROC curve.
    pub fn auc(self) -> Option<f64> {
        Some(self.value()).filter(|_| self.task() == Task::AnomalyDetection)
    }
}
