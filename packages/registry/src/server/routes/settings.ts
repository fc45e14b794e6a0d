// `/config` and `/mode`, global and of a subject.
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
} from '../../registry/index.ts'
import { configBody, modeBody } from './bodies.ts'
import { bodyAs, type Call, flag, type Route, type RouteContext, subjectOf } from './route.ts'

const supportedConfig = ['compatibility', 'normalize']

export function settingRoutes({ store, fallbackLevel }: RouteContext): Route[] {
  const target = (call: Call) => (call.params.subject === undefined ? null : subjectOf(call))

  async function putConfig(call: Call): Promise<unknown> {
    const body = bodyAs(configBody, call)
    const other = Object.keys(body).find((name) => body[name] != null && !supportedConfig.includes(name))
    if (other !== undefined) throw errors.notPermitted(`the setting ${other} is not supported by this registry`)
    if (body.compatibility == null && body.normalize == null) throw errors.invalidLevel()
    const level = await setConfig(store, target(call), {
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
    const subject = target(call)
    const own = configFields(state.config(subject)?.raw)
    if (subject === null) return { ...own, compatibilityLevel: levelOf(state, null) ?? fallbackLevel }
    if (state.config(subject) && levelOf(state, subject)) return own
    if (!flag(call, 'defaultToGlobal')) throw errors.noSubjectConfig(subject)
    const inherited = configFields(state.config(null)?.raw)
    return { ...inherited, ...own, compatibilityLevel: levelInScope(state, subject, fallbackLevel) }
  }

  function getMode(call: Call): unknown {
    const subject = target(call)
    if (subject === null || flag(call, 'defaultToGlobal')) return { mode: modeInScope(store.state, subject) }
    const mode = store.state.mode(subject)
    if (mode === undefined) throw errors.noSubjectMode(subject)
    return { mode }
  }

  async function putMode(call: Call): Promise<unknown> {
    const { mode } = bodyAs(modeBody, call)
    return { mode: await setMode(store, target(call), mode, flag(call, 'force')) }
  }

  return ['', '/:subject'].flatMap((of): Route[] => [
    { method: 'GET', path: `/config${of}`, handle: getConfig },
    { method: 'PUT', path: `/config${of}`, handle: putConfig },
    { method: 'DELETE', path: `/config${of}`, handle: (call) => deleteConfig(store, target(call)) },
    { method: 'GET', path: `/mode${of}`, handle: getMode },
    { method: 'PUT', path: `/mode${of}`, handle: putMode },
    { method: 'DELETE', path: `/mode${of}`, handle: async (call) => ({ mode: await deleteMode(store, target(call)) }) },
  ])
}
