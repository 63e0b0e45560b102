import { expect, test } from 'vitest'
import { type ActionTests, actionsOf, actionTestsOf, argoObject, runOnEach } from '../../testing/apiserver/argo.ts'
import { withPart } from '../../testing/parts/with-part.ts'

withPart('lua', 'what Argo CD offers to do, by the example', (lua) => {
  for (const kind of ['Realm', 'CommsCell'] as const) everyCase(kind, lua)
})

/** Runs the tests of a kind that are written as those of Argo CD's own actions. */
function everyCase(kind: string, lua: string): void {
  const cases: ActionTests = actionTestsOf(kind)

  test.each(cases.discoveryTests)(`with a ${kind} like $inputPath`, async ({ inputPath, result }) => {
    const script = actionsOf(kind)['discovery.lua']
    const [offered = {}] = await runOnEach<Record<string, object>>(lua, script, [argoObject(kind, inputPath)])
    expect(Object.entries(offered).map(([name, each]) => ({ name, ...each }))).toEqual(
      expect.arrayContaining(result.map((each) => expect.objectContaining(each))),
    )
    expect(Object.keys(offered)).toHaveLength(result.length)
  })

  test.each(cases.actionTests)(`$action makes of a ${kind} like $inputPath one like $expectedOutputPath`, async (each) => {
    const script = actionsOf(kind).definitions.find(({ name }) => name === each.action)?.['action.lua'] ?? ''
    const [changed] = await runOnEach(lua, script, [argoObject(kind, each.inputPath)])
    expect(changed).toEqual(argoObject(kind, each.expectedOutputPath))
  })

  test(`every action that a ${kind} is offered is defined and tried`, () => {
    const defined = actionsOf(kind).definitions.map(({ name }) => name)
    expect(new Set(cases.discoveryTests.flatMap(({ result }) => result.map(({ name }) => name)))).toEqual(new Set(defined))
    expect(new Set(cases.actionTests.map(({ action }) => action))).toEqual(new Set(defined))
  })
}
