// Public API: real Apache Kafka as local processes, and its command-line tools.
export { cacheDir, fetchDistribution, findJava, jarOf, javaMajorVersion, pinnedVersion } from './distribution.ts'
export { ApacheError, type ApacheErrorCode } from './errors.ts'
export { type RunOptions, run } from './process.ts'
export { startApache } from './start-apache.ts'
export { mainClasses, runTool, spawnTool, type ToolName, toolNames } from './tools.ts'
export type * from './types.ts'
