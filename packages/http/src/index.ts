// Public API: the guard that every HTTP server of the project puts in front of its routes.
export { admissionRefusal, type RequestHead } from './admission.ts'
export { bodyTypeRefusal, negotiate } from './content.ts'
export { type Guard, type GuardLogger, type GuardOptions, guard } from './guard.ts'
export { HostPatternError, type HostPolicy, hostPolicy, isLoopback } from './hosts.ts'
export { type Refusal, refusalText } from './refusal.ts'
