// The table of contents: every noun, loaded when the command line names it.
import type { NounEntry } from '../framework/program.ts'

const groups = {
  run: 'Run a platform:',
  platform: 'The platform as a file:',
  operate: 'Inspect and operate:',
  tools: 'Tools:',
}

export const nouns: readonly NounEntry[] = [
  {
    name: 'up',
    summary: 'start a broker and a Schema Registry here',
    group: groups.run,
    load: async () => (await import('./up.ts')).up,
  },
  {
    name: 'down',
    summary: 'stop what `up` started',
    group: groups.run,
    load: async () => (await import('./down.ts')).down,
  },
  {
    name: 'status',
    summary: 'show what runs, where, and since when',
    group: groups.run,
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'reset',
    summary: 'delete the data that `up` keeps here, to start over',
    group: groups.run,
    load: async () => (await import('./reset.ts')).reset,
  },
  {
    name: 'demo',
    summary: 'emit a steady stream of realistic events',
    group: groups.run,
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'init',
    summary: 'write a small platform, a service and its test',
    group: groups.platform,
    load: async () => (await import('./init.ts')).init,
  },
  {
    name: 'setup',
    summary: 'wait for the cluster, then apply platform.yaml',
    group: groups.platform,
    load: async () => (await import('./setup.ts')).setup,
  },
  {
    name: 'validate',
    summary: 'check platform.yaml and its schemas',
    group: groups.platform,
    load: async () => (await import('./platform.ts')).validate,
  },
  {
    name: 'plan',
    summary: 'show what applying platform.yaml would change',
    group: groups.platform,
    load: async () => (await import('./platform.ts')).plan,
  },
  {
    name: 'apply',
    summary: 'apply platform.yaml to the cluster',
    group: groups.platform,
    load: async () => (await import('./platform.ts')).apply,
  },
  {
    name: 'import',
    summary: 'write a platform file from a live cluster',
    group: groups.platform,
    load: async () => (await import('./platform.ts')).importVerb,
  },
  {
    name: 'types',
    summary: 'generate TypeScript types for the events',
    group: groups.platform,
    load: async () => (await import('./platform.ts')).types,
  },
  {
    name: 'monitoring',
    summary: 'write what Prometheus and Alertmanager read',
    group: groups.platform,
    load: async () => (await import('./monitoring.ts')).monitoring,
  },
  {
    name: 'doctor',
    summary: 'say whether a cluster is well and, if not, what is wrong and what to do',
    group: groups.operate,
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'why',
    summary: 'say why a group has not received a record',
    group: groups.operate,
    load: async () => (await import('./why.ts')).why,
  },
  {
    name: 'topics',
    summary: 'topics: list, describe, create, alter, delete; consume, produce, purge',
    group: groups.operate,
    load: async () => (await import('./topics.ts')).topics,
  },
  {
    name: 'groups',
    summary: 'consumer groups: lag, members, offsets',
    group: groups.operate,
    load: async () => (await import('./groups.ts')).groups,
  },
  {
    name: 'users',
    summary: 'accounts: list, create, set-password, delete',
    group: groups.operate,
    load: async () => (await import('./users.ts')).users,
  },
  {
    name: 'acls',
    summary: 'who may do what: list, create, delete, explain, matrix',
    group: groups.operate,
    load: async () => (await import('./acls.ts')).acls,
  },
  {
    name: 'quotas',
    summary: 'how much users, clients and addresses may use: list, set, delete',
    group: groups.operate,
    load: async () => (await import('./quotas.ts')).quotas,
  },
  {
    name: 'schemas',
    summary: 'the Schema Registry: list, get, check, register, delete, compatibility',
    group: groups.operate,
    load: async () => (await import('./schemas.ts')).schemas,
  },
  {
    name: 'registry',
    summary: 'a Schema Registry of a cluster: serve, hash-password',
    group: groups.operate,
    load: async () => (await import('./registry.ts')).registry,
  },
  {
    name: 'events',
    summary: 'emit events, and watch them decoded',
    group: groups.operate,
    load: async () => (await import('./events.ts')).events,
  },
  {
    name: 'dlq',
    summary: 'dead letters: list, causes, show, replay, edit, discard',
    group: groups.operate,
    load: async () => (await import('./dlq.ts')).dlq,
  },
  {
    name: 'backup',
    summary: 'backups of the cluster: take, list, describe, verify, prune',
    group: groups.operate,
    load: async () => (await import('./backup.ts')).backup,
  },
  {
    name: 'restore',
    summary: 'bring topics and groups’ positions back from a backup',
    group: groups.operate,
    load: async () => (await import('./restore.ts')).restore,
  },
  {
    name: 'drill',
    summary: 'prove that the backups restore: run a drill, and list, show and verify its reports',
    group: groups.operate,
    load: async () => (await import('./drill.ts')).drill,
  },
  {
    name: 'audit',
    summary: 'the record of every change: search, verify',
    group: groups.operate,
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'exporter',
    summary: 'serve metrics of a cluster to Prometheus',
    group: groups.operate,
    load: async () => (await import('./exporter.ts')).exporter,
  },
  {
    name: 'kubernetes',
    summary: 'commands that the pods of the chart run',
    group: groups.tools,
    load: async () => (await import('./kubernetes.ts')).kubernetes,
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    group: groups.tools,
    load: async () => (await import('./completion.ts')).completion,
  },
]
