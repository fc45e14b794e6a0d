// Public API: the guard that every HTTP server of the project puts in front of its routes.
export { admissionRefusal, type RequestHead } from './admission.ts'
export { bodyTypeRefusal, negotiate } from './content.ts'
export { type Guard, type GuardLogger, type GuardOptions, guard } from './guard.ts'
export { HostPatternError, type HostPolicy, hostPolicy, isLoopback } from './hosts.ts'
export { logSparingly, type SparingLogger } from './log-sparingly.ts'
export { type Refusal, refusalText } from './refusal.ts'
export { type TlsFiles, TlsFilesError } from './tls.ts'
export { contentOf, type WatchOptions, watchFiles } from './watch-files.ts'
