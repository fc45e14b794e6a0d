// The names of dead letters and what their headers tell. Nothing here connects to a cluster: that is replay/.
export * from '../dead-letter-names.ts'
export { type Convention, conventions, isDeadLetterName } from './conventions.ts'
export { fingerprintOf, javaFingerprint } from './fingerprint.ts'
export {
  type LetterFacts,
  type LetterOrigin,
  letterFacts,
  originalHeaders,
  replayHeaders,
  unknownCause,
} from './letter.ts'
