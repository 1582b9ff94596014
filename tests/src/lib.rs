//! What the suites share: where the independent vectors are, and how they are read.
