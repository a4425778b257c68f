#!/bin/sh
# The vendor's program: a stand-in for an installer, small enough to read.
echo "hello from the far side of the gap"
