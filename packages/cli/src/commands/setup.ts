// `selfmonitor setup`: applies platform files to a cluster that may still be starting, once or repeatedly. Compose and Kubernetes
// run it before the registry is up, so it never asks the registry about a file without schemas.
import { relative } from 'node:path'
import type { Platform } from '@selfmonitor/platform'
import { collect, duration } from '../framework/parse.ts'
import { defineVerb, type Noun, value } from '../framework/verb.ts'
import { passwordsOf, passwordsOption } from '../local/passwords.ts'
import { findPlatformFile, loadPlatformFile } from '../local/platform-file.ts'
import { applyPlatform, type SetupResult, summary, type Target, waitUntilUp } from '../local/setup.ts'
import { createSteps } from '../local/steps.ts'
import { toJson } from '../output/data.ts'
import { counted } from '../output/format.ts'
import { planView } from './platform.ts'

const setupVerb = defineVerb({
  name: 'setup',
  summary: 'wait for the cluster, then apply platform.yaml',
  details:
    'May be repeated; deletes nothing. In development it asks only when the address is the default; elsewhere as `apply` does.\n' +
    'Several files are applied in order. It waits for the registry before the first one that has schemas, so a file with the\n' +
    'accounts and topics of the registry itself can come first.',
  examples: [
    'selfmonitor setup',
    'selfmonitor setup --wait 2m --env staging --yes',
    'selfmonitor setup -f infrastructure.yaml -f platform.yaml --env production --confirm production',
  ],
  options: {
    file: value('-f, --file <file>', 'platform file (default: the nearest platform.yaml); repeatable', collect),
    wait: value('--wait <duration>', 'how long to wait for Kafka, and for the registry, default 60s', duration, 60_000),
    passwords: passwordsOption,
  },
  output: ['text', 'json'],
  mutates: true,
  async run(context, { options }) {
    const { renderPlan } = await import('@selfmonitor/platform')
    // All of them before the first request: a mistake in the last file is not found out half-way.
    const loaded: { name: string; platform: Platform }[] = []
    for (const given of options.file ?? [undefined]) {
      const path = findPlatformFile(context.io.cwd, given)
      loaded.push({ name: relative(context.io.cwd, path) || path, platform: await loadPlatformFile(context, path) })
    }
    const steps = createSteps(context.io.stderr, context.colours.stderr)
    const declared = loaded.flatMap(({ platform: { topics } }) => topics.map(({ name }) => name))
    const up = new Set<Target['registry']>()
    const done: SetupResult[] = []
    for (const { name, platform } of loaded) {
      const cluster = await context.cluster()
      const registry = hasSchemas(platform) ? await context.registry() : null
      const target: Target = { cluster, registry }
      if (!up.has(registry)) {
        await steps.run(
          registry === null ? 'Kafka' : 'cluster',
          (onProgress) => waitUntilUp(target, { limitMs: options.wait, signal: context.io.signal, onProgress }),
          () => cluster.bootstrapServers,
        )
        up.add(registry)
      }
      const result = await applyPlatform(platform, target, {
        passwords: await passwordsOf(context, platform, options.passwords),
        // It runs after every upgrade: a change made by hand must not prevent everything else from being applied.
        allowMorePartitions: true,
        knownPrincipals: loaded.flatMap(({ platform: { users = [] } }) => users.map(({ name }) => `User:${name}`)),
        onProgress: () => {},
        // A later file may declare the topic of the audit trail.
        audited: (entry, change) => context.audited({ ...entry, createsTopics: declared }, change),
        confirm: async (plan) => {
          context.note(renderPlan(plan, 'text', planView(context, 'stderr')).trimEnd())
          if (platform.environment === 'development' && !context.isDefaultAddress('cluster')) return
          await context.confirm({
            what: `Apply ${counted(plan.changes.length, 'change')}`,
            typedName: platform.environment,
            of: 'said',
          })
        },
      })
      done.push(result)
      // With changes, the plan has shown them.
      if (result.plan.changes.length === 0)
        for (const warning of result.plan.warnings) context.note(`warning: ${warning}`)
      if (context.format === 'text') {
        const file = loaded.length > 1 ? `${name}: ` : ''
        context.out(`${file}${summary(platform, result)} (${platform.environment})\n`)
      }
    }
    if (context.format === 'json') {
      context.out(
        toJson({
          environment: loaded[0]!.platform.environment,
          applied: done.flatMap(({ result }) => result.applied),
          failed: null,
          notApplied: done.flatMap(({ result }) => result.notApplied),
        }),
      )
    }
  },
})

const hasSchemas = (platform: Platform): boolean => platform.topics.some(({ schema }) => schema !== undefined)

export const setup: Noun = { name: setupVerb.name, summary: setupVerb.summary, verbs: [setupVerb] }
