import { describe, expect, test } from 'vitest'
import { version } from '../../../cells/version.ts'
import { releases, renderRelease, storedRelease } from './released.fixtures.ts'

const RESTARTS = `this would restart every player's pods on an operator upgrade. Make the change depend on a field that realms have to set, such as their version.
While the release is not out yet, store its render again: rm -r operator/desired/manifests/golden/VERSION/{cells,rendered}.yaml && node tools/keep-release.ts VERSION`

test('the render of this version of the package is stored', () => {
  expect(releases(), `node tools/keep-release.ts ${version}`).toContain(version)
})

describe.each(releases().map(storedRelease))(
  'an upgrade of the operator from $version',
  ({ realms, cells, rendered, version: from }) => {
    const today = renderRelease(realms, cells)
    const message = RESTARTS.replaceAll('VERSION', from)

    test('replaces no cell', () => {
      expect(cells.length).toBeGreaterThanOrEqual(realms.length)
      expect(
        today.cells.map(({ metadata }) => metadata.name),
        message,
      ).toEqual(cells.map(({ metadata }) => metadata.name))
    })

    test('leaves every object in place', () => {
      expect(Object.keys(rendered).length).toBeGreaterThan(4 * realms.length)
      expect(Object.keys(today.rendered)).toEqual(expect.arrayContaining(Object.keys(rendered)))
    })

    test.each(Object.keys(rendered))('leaves %s unchanged', (name) => {
      expect(today.rendered[name], message).toEqual(rendered[name])
    })
  },
)

test('a changed pod template is noticed', () => {
  const [release] = releases().map(storedRelease)
  if (!release) throw new Error('no release is kept')
  const [realm] = release.realms
  if (!realm) throw new Error('the release has no realm')
  const changed = { ...realm, spec: { ...realm.spec, pods: { annotations: { new: 'yes' } } } }
  const today = renderRelease([changed], release.cells)
  expect(today.rendered[`Deployment ${realm.metadata.name}-stats`]).not.toEqual(
    release.rendered[`Deployment ${realm.metadata.name}-stats`],
  )
})
