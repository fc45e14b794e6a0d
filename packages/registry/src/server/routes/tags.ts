// `/subjects/{subject}/versions/{version}/tags`: a version registered again with other tags.
import { readMetadata, readRuleSet } from '../../contract/index.ts'
import { findVersion, parseVersion, registerTagged, requireValid } from '../../operations/index.ts'
import { registrationAnswer } from './answers.ts'
import { entitiesOf, tagsBody } from './bodies.ts'
import { bodyAs, type Call, type Route, type RouteContext, subjectOf } from './route.ts'

export function tagRoutes(context: RouteContext): Route[] {
  const { store, fallbackLevel } = context

  async function changeTags(call: Call): Promise<unknown> {
    const body = bodyAs(tagsBody, call)
    const ruleSet = readRuleSet(body.ruleSet)
    const rulesToMerge = readRuleSet(body.rulesToMerge)
    for (const rules of [ruleSet, rulesToMerge]) requireValid(rules)
    const subject = subjectOf(call, store.state)
    const value = findVersion(store.state, subject, parseVersion(call.params.version ?? ''), false)
    const request = {
      newVersion: body.newVersion ?? undefined,
      add: entitiesOf(body.tagsToAdd),
      remove: entitiesOf(body.tagsToRemove),
      metadata: readMetadata(body.metadata),
      ruleSet,
      rulesToMerge,
      rulesToRemove: body.rulesToRemove ?? [],
    }
    return registrationAnswer(context, value.subject, call, () => registerTagged(store, value, request, fallbackLevel))
  }

  return [{ method: 'POST', path: '/subjects/:subject/versions/:version/tags', handle: changeTags }]
}
