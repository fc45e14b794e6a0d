// `/config` and `/mode`, of a context and of a subject.
import {
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
import { bodyAs, type Call, flag, type Route, type RouteContext, settingTarget } from './route.ts'

const supportedConfig = ['compatibility', 'normalize']

export function settingRoutes({ store, fallbackLevel }: RouteContext): Route[] {
  async function putConfig(call: Call): Promise<unknown> {
    const body = bodyAs(configBody, call)
    const other = Object.keys(body).find((name) => body[name] != null && !supportedConfig.includes(name))
    if (other !== undefined) throw errors.notPermitted(`the setting ${other} is not supported by this registry`)
    const level = await setConfig(store, settingTarget(call), {
      level: body.compatibility ?? undefined,
      normalize: body.normalize ?? undefined,
    })
    return {
      ...(body.normalize == null ? {} : { normalize: body.normalize }),
      ...(level === undefined ? {} : { compatibility: level }),
    }
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
      handle: async (call) => ({ mode: await deleteMode(store, settingTarget(call)) }),
    },
  ])
}

/** The default context and the global one have settings also where none are configured. */
function hasDefaults(target: string | null): boolean {
  return target === null || contextOf(target) === globalContext
}
