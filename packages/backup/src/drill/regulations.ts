// What rules ask of a restore test, and which checks of a drill are evidence of it. A check is named by its id or, with `*`, by the
// beginning of its id. The texts are short forms of ours; the rule's own text is what counts.
import { type DrillCheck, type DrillReport, together } from './report.ts'

interface Regulation {
  readonly rule: string
  readonly asks: string
  readonly evidence: readonly string[]
}

export const regulations: readonly Regulation[] = [
  {
    rule: 'DORA (EU) 2022/2554 Art. 11(6)',
    asks: 'Continuity plans are tested at least yearly, also by switching over to backups; the next test has a date.',
    evidence: ['restore', 'scenario', 'rto'],
  },
  {
    rule: 'DORA Art. 12(1)',
    asks: 'A policy says which data is backed up and how often, by its criticality.',
    evidence: ['coverage', 'rpo'],
  },
  {
    rule: 'DORA Art. 12(2)',
    asks: 'Backups can be activated without harm to integrity, authenticity or confidentiality, and this is tested periodically.',
    evidence: ['store', 'restore', 'segregation'],
  },
  {
    rule: 'DORA Art. 12(3)',
    asks: 'Data is restored on systems that are physically and logically segregated from the source.',
    evidence: ['segregation'],
  },
  {
    rule: 'DORA Art. 12(6)',
    asks: 'Recovery time and recovery point objectives are set for each function, and are met.',
    evidence: ['rpo', 'rto'],
  },
  {
    rule: 'DORA Art. 12(7)',
    asks: 'A recovery is checked in several ways, with reconciliations, so that integrity is of the highest level.',
    evidence: ['store', 'read-back', 'positions', 'settings', 'reconciliation:*'],
  },
  {
    rule: 'RTS (EU) 2024/1774 Art. 25(2)',
    asks: 'Tests use severe but plausible scenarios, and verify the restore from backups.',
    evidence: ['scenario', 'restore', 'read-back'],
  },
  {
    rule: 'PCI DSS 4.0.1 Req. 10.3 and 10.5.1',
    asks: 'Audit records are backed up, cannot change unnoticed, and can be had for 12 months.',
    evidence: ['store', 'read-back'],
  },
  {
    rule: 'SOC 2 A1.2',
    asks: 'Backup processes and recovery infrastructure are operated and monitored.',
    evidence: ['coverage', 'store'],
  },
  {
    rule: 'SOC 2 A1.3',
    asks: 'Recovery procedures are tested, with the integrity and completeness of the backup.',
    evidence: ['restore', 'read-back', 'positions'],
  },
]

/** The table with the outcome of each rule's checks. Pure. */
export function regulationsOf(checks: readonly DrillCheck[]): DrillReport['regulations'] {
  return regulations.map(({ rule, asks, evidence }) => {
    const own = checks.filter(({ id }) =>
      evidence.some((name) => (name.endsWith('*') ? id.startsWith(name.slice(0, -1)) : id === name)),
    )
    return { rule, asks, evidence: own.map(({ id }) => id), outcome: together(own.map(({ outcome }) => outcome)) }
  })
}
