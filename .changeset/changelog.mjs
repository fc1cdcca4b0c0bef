// How changelogs are written, as changesets asks for it (ChangelogFunctions): what has changed, in a line. The packages are released
// together, so that one needs another of its own version is nothing that has changed.

export const getReleaseLine = async ({ summary }) => `- ${summary.trim().replaceAll('\n', '\n  ')}`

export const getDependencyReleaseLine = async () => ''
