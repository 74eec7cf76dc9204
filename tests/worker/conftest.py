"""A job's folder, and children that find the functions of these tests."""

import os

import pytest
from job_folder import JobFolder


@pytest.fixture
def job(tmp_path, monkeypatch):
    # Children find the functions of these tests by name.
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    return JobFolder(tmp_path)
