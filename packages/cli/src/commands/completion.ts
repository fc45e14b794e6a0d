// `selfmonitor completion bash|zsh|fish`, and the hidden command that the scripts ask for candidates.
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'
import { globalOptions, type NounEntry } from '../framework/program.ts'
import type { GlobalOptions } from '../framework/settings.ts'
import { type Completion, defineVerb, type Noun, type OptionSpec, required, type Verb } from '../framework/verb.ts'

// Each script completes `selfmonitor …`, and `npx selfmonitor …` with the command of the current project. Other completions of npx
// keep working.

/** In bash and zsh: runs the command of the nearest project above the current folder, else the one on the PATH. */
const here = `_selfmonitor_here() {
  local folder=$PWD
  while true; do
    if [[ -x $folder/node_modules/.bin/selfmonitor ]]; then
      "$folder/node_modules/.bin/selfmonitor" "$@"
      return
    fi
    [[ -z $folder || $folder == / ]] && break
    folder=\${folder%/*}
  done
  command selfmonitor "$@"
}
`

const bash = `# selfmonitor completion for bash: eval "$(selfmonitor completion bash)"
${here}\
_selfmonitor_offer() {
  COMPREPLY=($(compgen -W "$1" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
_selfmonitor() {
  local words
  words=$(selfmonitor __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return
  _selfmonitor_offer "$words"
}
_selfmonitor_npx() {
  local at=1 words
  while [[ \${COMP_WORDS[at]} == -* ]]; do at=$((at + 1)); done
  if [[ \${COMP_WORDS[at]} == selfmonitor && $COMP_CWORD -gt $at ]]; then
    words=$(_selfmonitor_here __complete -- "\${COMP_WORDS[@]:at + 1:COMP_CWORD - at}" 2>/dev/null) || return
    _selfmonitor_offer "$words"
  elif [[ -n $_selfmonitor_npx_before ]]; then
    "$_selfmonitor_npx_before" "$@"
  fi
}
if [[ $(complete -p npx 2>/dev/null) =~ -F\\ ([^ ]+) && \${BASH_REMATCH[1]} != _selfmonitor_npx ]]; then
  _selfmonitor_npx_before=\${BASH_REMATCH[1]}
fi
complete -o default -F _selfmonitor selfmonitor
complete -o default -F _selfmonitor_npx npx
`

const zsh = `#compdef selfmonitor
# selfmonitor completion for zsh: source <(selfmonitor completion zsh)
${here}\
_selfmonitor_offer() {
  local -a candidates
  candidates=(\${(f)1})
  if (( \${#candidates} )); then
    compadd -- $candidates
  else
    _files
  fi
}
_selfmonitor() {
  _selfmonitor_offer "$(selfmonitor __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"
}
_selfmonitor_npx() {
  local at=\${words[(i)selfmonitor]}
  if (( at < CURRENT )); then
    _selfmonitor_offer "$(_selfmonitor_here __complete -- "\${(@)words[at + 1,CURRENT]}" 2>/dev/null)"
  elif [[ -n $_selfmonitor_npx_before ]]; then
    $_selfmonitor_npx_before
  else
    _files
  fi
}
if [[ -n \${_comps[npx]} && \${_comps[npx]} != _selfmonitor_npx ]]; then
  _selfmonitor_npx_before=\${_comps[npx]}
fi
compdef _selfmonitor selfmonitor
compdef _selfmonitor_npx npx
`

const fish = `# selfmonitor completion for fish: selfmonitor completion fish | source
function __selfmonitor_here
  set -l folder $PWD
  while test -n "$folder" -a "$folder" != /
    if test -x "$folder/node_modules/.bin/selfmonitor"
      "$folder/node_modules/.bin/selfmonitor" $argv
      return
    end
    set folder (string replace -r '/[^/]*$' '' -- $folder)
  end
  command selfmonitor $argv
end
function __selfmonitor_candidates
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  selfmonitor __complete -- $words 2>/dev/null
end
function __selfmonitor_npx_candidates
  set -l before (commandline -opc)
  set -l at (contains -i selfmonitor $before)
  set -l words $before[(math $at + 1)..-1] (commandline -ct)
  __selfmonitor_here __complete -- $words 2>/dev/null
end
complete -c selfmonitor -a '(__selfmonitor_candidates)'
complete -c npx -n 'contains selfmonitor (commandline -opc)' -a '(__selfmonitor_npx_candidates)'
`

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish }

const script = defineVerb({
  name: 'completion',
  summary: 'print a completion script for bash, zsh or fish',
  details: 'Topics, groups, subjects and event types are completed from the running cluster.',
  examples: ['eval "$(selfmonitor completion bash)"', 'selfmonitor completion fish | source'],
  args: { shell: required('bash, zsh or fish') },
  async run(context, { args }) {
    const text = scripts[args.shell]
    if (text === undefined)
      throw usageError(`"${args.shell}" is not a shell that is known here.`, 'Use bash, zsh or fish.')
    context.out(text)
  },
})

/**
 * Lists the words that could replace the last one.
 * @param words the words after `selfmonitor`; the last one is being typed and may be empty.
 * @param live asks the running cluster; an error there means no candidates.
 */
export async function completeWords(
  words: readonly string[],
  nouns: readonly NounEntry[],
  live: (kind: Completion) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const typed = words.at(-1) ?? ''
  const previous = words.at(-2) ?? ''
  const startingRight = (candidates: readonly string[]): string[] => candidates.filter((one) => one.startsWith(typed))

  const first = positionals(words.slice(0, -1), globalOptions)
  const entry = nouns.find(({ name }) => name === first[0])
  if (entry === undefined) {
    return first.length > 0
      ? []
      : startingRight(typed.startsWith('-') ? namesOf(globalOptions) : nouns.map(({ name }) => name))
  }
  const { verbs } = await entry.load()
  const alone = verbs.length === 1 && verbs[0]!.name === entry.name ? verbs[0] : undefined
  if (alone === undefined && first.length === 1)
    return startingRight([...new Set(verbs.map(({ name }) => name.split(' ')[0]!))])
  const verb = alone ?? verbs.find(({ name }) => name === first[1] || name === `${first[1]} ${first[2]}`)
  if (verb === undefined) {
    const below = verbs.filter(({ name }) => name.startsWith(`${first[1]} `)).map(({ name }) => name.split(' ')[1]!)
    return first.length === 2 ? startingRight(below) : []
  }

  const options = [...Object.values(verb.options), ...verbOptions(verb), ...globalOptions]
  if (typed.startsWith('-')) return startingRight([...namesOf(options), '--help'])
  // Where `live` fails there are no candidates: a shell has no place for an error.
  const option = options.find(({ flags }) => flags.split(/[ ,]+/).includes(previous))
  if (option !== undefined && takesValue(option)) {
    if (option.choices !== undefined) return startingRight(option.choices)
    return option.complete === undefined ? [] : startingRight(await live(option.complete).catch(() => []))
  }
  const position =
    positionals(words.slice(0, -1), options).length - (alone === undefined ? 1 + verb.name.split(' ').length : 1)
  const args = Object.values(verb.args)
  const many = args.at(-1)?.form === 'variadic' || args.at(-1)?.form === 'rest'
  const argument = args[position] ?? (many ? args.at(-1) : undefined)
  if (entry.name === 'completion') return position === 0 ? startingRight(Object.keys(scripts)) : []
  return argument?.complete === undefined ? [] : startingRight(await live(argument.complete).catch(() => []))
}

type Flags = Pick<OptionSpec<unknown>, 'flags' | 'choices' | 'complete'>

/** The options that the engine adds to every verb that prints or changes something. */
function verbOptions(verb: Verb): Flags[] {
  return [
    ...(verb.output.length > 0 ? [{ flags: '-o, --output <format>', choices: verb.output }] : []),
    ...(verb.mutates ? [{ flags: '-y, --yes' }, { flags: '--confirm <name>' }] : []),
  ]
}

function takesValue({ flags }: Flags): boolean {
  return flags.includes('<')
}

function namesOf(options: readonly Flags[]): string[] {
  return options.map(({ flags }) => flags.match(/--[a-z-]+/)![0])
}

/** The words that are neither options nor their values. */
function positionals(words: readonly string[], options: readonly Flags[]): string[] {
  const withValue = new Set(options.filter(takesValue).flatMap(({ flags }) => flags.split(/[ ,]+/)))
  return words.filter((word, index) => !word.startsWith('-') && !withValue.has(words[index - 1] ?? ''))
}

/** The options that select the cluster, as far as they are typed; the last word is still being typed. */
export function typedGlobals(words: readonly string[]): GlobalOptions {
  const before = words.slice(0, -1)
  const given = (name: string): string | undefined => {
    const joined = before.find((word) => word.startsWith(`${name}=`))
    if (joined !== undefined) return joined.slice(name.length + 1)
    const at = before.indexOf(name)
    return at < 0 ? undefined : before[at + 1]
  }
  const portOffset = given('--port-offset')
  return {
    bootstrapServers: given('--bootstrap-servers'),
    registryUrl: given('--registry-url'),
    commandConfig: given('--command-config'),
    env: given('--env'),
    ...(portOffset !== undefined && /^\d+$/.test(portOffset) ? { portOffset: Number(portOffset) } : {}),
  }
}

/** Names from the cluster, for completion. */
export async function liveNames(context: Context, kind: Completion): Promise<readonly string[]> {
  switch (kind) {
    case 'topics':
      return (await (await context.cluster()).listTopics()).map(({ name }) => name).sort()
    case 'groups':
      return (await (await context.cluster()).listGroups()).map(({ groupId }) => groupId).sort()
    case 'users':
      return (await (await context.cluster()).users()).map(({ name }) => name)
    case 'subjects':
      return (await (await context.registry()).subjects()).sort()
    case 'event-types': {
      const { eventTypeNames } = await import('../local/platform-file.ts')
      return eventTypeNames(context)
    }
    default:
      throw new Error(`unknown completion ${kind satisfies never}`)
  }
}

export const completion: Noun = { name: 'completion', summary: script.summary, verbs: [script] }
