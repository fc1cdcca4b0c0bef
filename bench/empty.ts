// A program that does nothing: what a runtime costs by itself.
process.exitCode = 0
