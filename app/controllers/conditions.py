"""The named conditions that enable actions; a widget never asks another widget."""

from __future__ import annotations

from enum import StrEnum


class Condition(StrEnum):
    """What may hold of the desk; the values are the words of the keys sheet."""

    HAS_WORKSPACE = "has workspace"
    HAS_CASE = "has case"
    HAS_PREDICTION = "has prediction"
    HAS_ATTENTION = "has attention"
    CAN_PREDICT = "can predict"
    CAN_PREDICT_HERE = "can predict here"
    PREDICTING = "predicting"
    CAN_EDIT = "can edit"
    CAN_UNDO = "undo possible"
    CAN_REDO = "redo possible"
    CAN_ACCEPT = "can accept"
    HAS_NEXT = "has next"
    HAS_PREVIOUS = "has previous"
    HAS_REGION = "has region"
    JOB_RUNNING = "job running"
    STROKE_ACTIVE = "stroke active"
    HAS_PREVIEW = "has preview"
