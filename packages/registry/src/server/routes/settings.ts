// `/config` and `/mode`, of a context and of a subject.
import type { z } from 'zod'
import { readMetadata, readRuleSet } from '../../contract/index.ts'
import {
  type ConfigChange,
  configFieldNames,
  configFields,
  deleteConfig,
  deleteMode,
  errors,
  levelInScope,
  levelOf,
  modeInScope,
  setConfig,
  setMode,
} from '../../operations/index.ts'
import { contextOf, globalContext, settingScopes } from '../../store/index.ts'
import { configBody, modeBody } from './bodies.ts'
import {
  aliasIn,
  bodyAs,
  type Call,
  flag,
  type Route,
  type RouteContext,
  requireAliasable,
  settingTarget,
} from './route.ts'

export function settingRoutes({ store, fallbackLevel }: RouteContext): Route[] {
  async function putConfig(call: Call): Promise<unknown> {
    const body = bodyAs(configBody, call)
    const alias = aliasIn(body)
    if (alias !== undefined) requireAliasable(alias)
    const set = await setConfig(store, settingTarget(call), changeOf(body))
    const shown = configFieldNames
      .filter((name) => set[name] !== undefined && set[name] !== null)
      .map((name) => [name === 'compatibilityLevel' ? 'compatibility' : name, set[name]])
    return Object.fromEntries(shown)
  }

  function getConfig(call: Call): unknown {
    const { state } = store
    const target = settingTarget(call)
    if (flag(call, 'defaultToGlobal')) {
      const inherited = settingScopes(target).map((scope) => configFields(state.config(scope)?.raw))
      const level = levelInScope(state, target, fallbackLevel)
      return { ...Object.assign({}, ...inherited.toReversed()), compatibilityLevel: level }
    }
    const config = state.config(target)
    if (!config && !hasDefaults(target)) throw errors.noSubjectConfig(target ?? '')
    const level =
      levelOf(state, target) ?? (target === null ? fallbackLevel : levelInScope(state, target, fallbackLevel))
    return { ...configFields(config?.raw), compatibilityLevel: level }
  }

  function getMode(call: Call): unknown {
    const target = settingTarget(call)
    if (flag(call, 'defaultToGlobal')) return { mode: modeInScope(store.state, target) }
    const mode = store.state.mode(target)
    if (mode === undefined && !hasDefaults(target)) throw errors.noSubjectMode(target ?? '')
    return { mode: mode ?? 'READWRITE' }
  }

  async function putMode(call: Call): Promise<unknown> {
    const { mode } = bodyAs(modeBody, call)
    return { mode: await setMode(store, settingTarget(call), mode ?? '', flag(call, 'force')) }
  }

  return ['', '/:subject'].flatMap((of): Route[] => [
    { method: 'GET', path: `/config${of}`, handle: getConfig },
    { method: 'PUT', path: `/config${of}`, handle: putConfig },
    {
      method: 'DELETE',
      path: `/config${of}`,
      handle: (call) => deleteConfig(store, settingTarget(call), fallbackLevel),
    },
    { method: 'GET', path: `/mode${of}`, handle: getMode },
    { method: 'PUT', path: `/mode${of}`, handle: putMode },
    {
      method: 'DELETE',
      path: `/mode${of}`,
      handle: async (call) => ({ mode: await deleteMode(store, settingTarget(call), flag(call, 'recursive')) }),
    },
  ])
}

/** Null leaves a level and a switch as they are, and removes everything else; an alias is removed by an empty text as well. */
function changeOf({ compatibility, alias, ...body }: z.output<typeof configBody>): ConfigChange {
  return {
    alias: alias === '' ? null : alias,
    normalize: body.normalize ?? undefined,
    validateFields: body.validateFields ?? undefined,
    compatibilityLevel: compatibility ?? undefined,
    compatibilityPolicy: body.compatibilityPolicy,
    compatibilityGroup: body.compatibilityGroup,
    defaultMetadata: read(readMetadata, body.defaultMetadata),
    overrideMetadata: read(readMetadata, body.overrideMetadata),
    defaultRuleSet: read(readRuleSet, body.defaultRuleSet),
    overrideRuleSet: read(readRuleSet, body.overrideRuleSet),
  }
}

function read<Value>(form: (value: unknown) => Value | undefined, value: unknown): Value | null | undefined {
  return value === null ? null : form(value)
}

/** The default context and the global one have settings also where none are configured. */
function hasDefaults(target: string | null): boolean {
  return target === null || contextOf(target) === globalContext
}
