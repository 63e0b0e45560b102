import { expect, test } from 'vitest'
import { realmctlCommands } from '../testing/realmctl.ts'
import { RUNS_ON, verbsOfCluster, verbsOfThisMachine } from './verbs.ts'

test('every command of realmctl is tried on this machine or in a cluster', () => {
  const here = verbsOfThisMachine({ url: '', realm: '', tokenFile: '', manifest: '' })
  const tried = [...RUNS_ON, ...Object.keys(here), ...Object.keys(verbsOfCluster({ kubeconfig: '', namespace: '', report: '' }))]
  expect(tried.sort()).toEqual(
    realmctlCommands()
      .map(({ words }) => words)
      .sort(),
  )
})
