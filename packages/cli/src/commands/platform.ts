// `selfmonitor validate | plan | apply | import | types`: the platform as a file. `setup` is in setup.ts.
import { existsSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import type { Passwords, Plan, PlanColors, PlanFormat, Platform, RenderOptions } from '@selfmonitor/platform'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { defineVerb, flag, type Noun, text, type Verb, value } from '../framework/verb.ts'
import { passwordsOf, passwordsOption } from '../local/passwords.ts'
import { findPlatformFile, loadPlatformFile } from '../local/platform-file.ts'
import { applyFailed, outcomeOf, planEntry } from '../local/setup.ts'
import type { Colours } from '../output/colour.ts'
import { toJson } from '../output/data.ts'
import { count, counted } from '../output/format.ts'

const fileOption = text('-f, --file <file>', 'platform file (default: the nearest platform.yaml)')
const allowDelete = flag(
  '--allow-delete',
  'also delete what the file owns and no longer declares: topics, accounts, ACLs',
)

/** How a plan is shown on an output: coloured and broken to its width where it is a terminal. */
export function planView(context: Context, name: 'stdout' | 'stderr'): RenderOptions {
  const output = context.io[name]
  return { color: planColours(context.colours[name]), ...(output.isTTY ? { width: output.columns } : {}) }
}

function planColours(colours: Colours): PlanColors {
  return {
    create: colours.good,
    update: colours.careful,
    delete: colours.bad,
    warning: colours.careful,
    error: colours.bad,
    dim: colours.aside,
  }
}

const validateVerb = defineVerb({
  name: 'validate',
  summary: 'check platform.yaml and its schemas',
  details: 'Without --env, checks every environment of the file. Needs no cluster.',
  examples: ['selfmonitor validate', 'selfmonitor validate -f infra/platform.yaml --env production'],
  options: { file: fileOption },
  output: ['text', 'json'],
  async run(context, { options }) {
    const { loadPlatform, loadEnvironments } = await import('@selfmonitor/platform')
    const file = findPlatformFile(context.io.cwd, options.file)
    const { environment } = context.settings
    const { env } = context.io
    const given = environment.origin === '--env' || environment.origin === 'SELFMONITOR_ENV'
    const platforms = given
      ? [await loadPlatform(file, { environment: environment.value, env })]
      : await loadEnvironments(file, { env })
    const names = platforms.map((platform) => platform.environment)
    const first = platforms[0]!
    const eventTypes = first.topics.reduce((sum, topic) => sum + Object.keys(topic.eventTypes).length, 0)
    const users = first.users ?? []
    const shown = relative(context.io.cwd, file) || file
    if (context.format === 'json') {
      context.out(
        toJson({
          file,
          valid: true,
          environments: names,
          topics: first.topics.length,
          eventTypes,
          services: first.services.length,
          users: users.length,
        }),
      )
      return
    }
    context.out(
      `${shown} is ${context.colours.stdout.good('valid')}: ${counted(first.topics.length, 'topic')}, ${counted(eventTypes, 'event type')}, ${counted(first.services.length, 'service')}${users.length === 0 ? '' : `, ${counted(users.length, 'user')}`}; ${names.length === 1 ? 'environment' : 'environments'} ${names.join(', ')}\n`,
    )
  },
})

const planVerb = defineVerb({
  name: 'plan',
  summary: 'show what applying platform.yaml would change',
  details: 'Exit code 0: nothing to change; 3: changes are pending; 1: the plan has errors and cannot be applied.',
  examples: [
    'selfmonitor plan',
    'selfmonitor plan --env production -o markdown > plan.md',
    'selfmonitor plan --env production --passwords secrets/kafka',
  ],
  options: { file: fileOption, allowDelete, passwords: passwordsOption },
  output: ['text', 'json', 'markdown'],
  async run(context, { options }) {
    const { renderPlan } = await import('@selfmonitor/platform')
    const { plan } = await computePlan(context, options)
    context.out(renderPlan(plan, context.format as PlanFormat, planView(context, 'stdout')))
    if (plan.errors.length > 0) return exitCodes.failed
    return plan.changes.length > 0 ? exitCodes.changesPending : exitCodes.done
  },
})

async function computePlan(
  context: Context,
  options: { file: string | undefined; allowDelete: boolean; passwords: string | undefined },
): Promise<{ platform: Platform; plan: Plan; passwords: Passwords | null }> {
  const { planPlatform } = await import('@selfmonitor/platform')
  const platform = await loadPlatformFile(context, options.file)
  const passwords = await passwordsOf(context, platform, options.passwords)
  const [cluster, registry] = await Promise.all([context.cluster(), context.registry()])
  const plan = await planPlatform(platform, cluster, registry, {
    allowDelete: options.allowDelete,
    passwords,
    account: context.settings.security.sasl?.username,
  })
  return { platform, plan, passwords }
}

const applyVerb = defineVerb({
  name: 'apply',
  summary: 'apply platform.yaml to the cluster',
  details:
    'Shows the plan, asks, and applies it, with a line for each change that is done. In production you type the name of the\n' +
    'environment, or give it with --confirm. Applying again after a failure continues from there; exit code 4: Kafka or the\n' +
    'registry could not be reached, or refused the account.',
  examples: [
    'selfmonitor apply',
    'selfmonitor apply --yes',
    'selfmonitor apply --env production --confirm production --passwords secrets/kafka',
  ],
  options: { file: fileOption, allowDelete, passwords: passwordsOption },
  output: ['text', 'json'],
  mutates: true,
  async run(context, { options }) {
    const { applyPlan, renderChange, renderPlan } = await import('@selfmonitor/platform')
    const { platform, plan, passwords } = await computePlan(context, options)
    context.note(renderPlan(plan, 'text', planView(context, 'stderr')).trimEnd())
    if (plan.errors.length > 0) {
      throw new CliError('PLAN_HAS_ERRORS', 'The plan has errors: nothing was changed.', {
        hint: 'They are listed above.',
      })
    }
    const [cluster, registry] = await Promise.all([context.cluster(), context.registry()])
    if (plan.changes.length > 0) {
      await context.confirm({
        what: `Apply ${counted(plan.changes.length, 'change')}`,
        typedName: context.settings.environment.value,
        of: 'said',
      })
    }
    let done = 0
    const carryOut = () =>
      applyPlan(plan, platform, cluster, registry, {
        passwords,
        onProgress: ({ change, state }) => {
          if (state !== 'done') return
          done += 1
          context.note(context.colours.stderr.aside(`done ${done} of ${plan.changes.length}: ${renderChange(change)}`))
        },
      })
    const recorded = () =>
      context.audited(planEntry('apply', plan), async (report) => {
        const applied = await carryOut()
        report.after(outcomeOf(applied))
        if (applied.failed !== null) report.failed(applied.failed.error)
        return applied
      })
    const result = await (plan.changes.length === 0 ? carryOut() : recorded())
    if (context.format === 'json') {
      context.out(
        toJson({
          environment: plan.environment,
          applied: result.applied,
          failed: result.failed && { ...result.failed, error: result.failed.error.message },
          notApplied: result.notApplied,
        }),
      )
    } else if (plan.changes.length > 0) {
      context.out(`${counted(result.applied.length, 'change')} applied.\n`)
    }
    if (result.failed !== null) throw applyFailed(result)
  },
})

const importCommand = defineVerb({
  name: 'import',
  summary: 'write a platform file from a live cluster',
  details: 'Writes platform.yaml, whose plan is empty, and the schemas beside it.',
  examples: [
    'selfmonitor import --dir imported',
    'selfmonitor import --dir billing --topic "billing.*" --bootstrap-servers kafka:9092',
  ],
  options: {
    dir: text('--dir <folder>', 'where to write (default: the current folder)'),
    topic: value('--topic <pattern>', 'only topics that match this pattern (* is a wildcard); repeatable', collect),
    force: flag('--force', 'replace existing files'),
  },
  output: ['name', 'json'],
  async run(context, { options }) {
    const { importPlatform } = await import('@selfmonitor/platform')
    const dir = resolve(context.io.cwd, options.dir ?? '.')
    const [cluster, registry] = await Promise.all([context.cluster(), context.registry()])
    const written = await importPlatform(cluster, registry, {
      dir,
      topics: options.topic,
      overwrite: options.force,
    }).catch((error: Error & { code?: unknown }) => {
      if (error.code !== 'FILE_EXISTS') throw error
      throw new CliError('FILE_EXISTS', error.message, { hint: 'Pass --force, or --dir <folder>.', cause: error })
    })
    const files = [...written.files.keys()].map((name) => relative(context.io.cwd, resolve(dir, name)))
    if (context.format === 'json') context.out(toJson({ ...written, files }))
    else context.out(files.map((file) => `${file}\n`).join(''))
    const accounts = written.users === 0 ? '' : `, ${counted(written.users, 'account')}`
    for (const note of written.notes) context.note(context.colours.stderr.careful(note))
    context.note(
      `Imported ${counted(written.topics, 'topic')}${accounts} and ${counted(written.schemas, 'schema')}; \`selfmonitor plan -f ${files[0]}\` compares.`,
    )
  },
})

const typesVerb = defineVerb({
  name: 'types',
  summary: 'generate TypeScript types for the events',
  details: 'For `emit` and `on` of @selfmonitor/events: every topic, event type and payload.',
  examples: ['selfmonitor types > src/events.generated.ts', 'selfmonitor types --out src/events.generated.ts --check'],
  options: {
    file: fileOption,
    out: text('--out <file>', 'write there instead of to standard output'),
    check: flag('--check', 'write nothing; exit code 3 when --out is not up to date'),
  },
  async run(context, { options }) {
    const { generateTypes } = await import('@selfmonitor/platform')
    const source = await generateTypes(await loadPlatformFile(context, options.file))
    if (options.out === undefined) {
      context.out(source)
      return
    }
    const { readFileSync } = await import('node:fs')
    const out = resolve(context.io.cwd, options.out)
    const current = existsSync(out) && readFileSync(out, 'utf8') === source
    if (options.check) {
      context.note(current ? `${options.out} is up to date.` : `${options.out} is not up to date.`)
      return current ? exitCodes.done : exitCodes.changesPending
    }
    if (!current) writeTypes(out, source, options.out)
    context.note(
      current
        ? `${options.out} is already up to date.`
        : `Wrote ${options.out}, ${count(source.split('\n').length)} lines.`,
    )
  },
})

function writeTypes(path: string, source: string, shown: string): void {
  try {
    writeFileSync(path, source)
  } catch (error) {
    throw new CliError('CANNOT_WRITE', `--out ${shown}: ${fileProblem(error)}.`, {
      hint: 'Name a file in a folder that exists and can be written.',
      exitCode: exitCodes.usage,
      cause: error,
    })
  }
}

const alone = (verb: Verb): Noun => ({ name: verb.name, summary: verb.summary, verbs: [verb] })

export const validate = alone(validateVerb)
export const plan = alone(planVerb)
export const apply = alone(applyVerb)
export const importVerb = alone(importCommand)
export const types = alone(typesVerb)
