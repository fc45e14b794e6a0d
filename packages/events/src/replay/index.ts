// Dead letters in a cluster: read, sent again, discarded.
export { letterPlace } from './batch.ts'
export { discardLetters, forgetGone } from './discard.ts'
export { type HoldingEntry, type Journal, stepCounts, stepOf, unsettled } from './journal.ts'
export { journalTopic, newBatchId, type OpenJournal, openJournal } from './journal-topic.ts'
export { type Letter, letterRanges, readLetter, readLetters } from './letters.ts'
export { isOpenAgain, type Replayed, type ReplayOptions, replayLetters } from './replay.ts'
