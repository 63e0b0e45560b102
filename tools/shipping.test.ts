import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDockerfile } from '../testing/cluster/dockerfile.ts'
import { Stages } from '../testing/cluster/stages.ts'
import { runCommand } from '../testing/parts/command.ts'
import { importsOf, isForTests, sourceFiles } from './house/sources.ts'
import { lockedPackages } from './locked-packages.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const product = sourceFiles().filter((file) => !isForTests(file))
const BUILD_TIMEOUT_MS = 120_000

interface Named {
  name: string
  version: string
}

test('the production dependencies are the packages that the product imports', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  const imported = product
    .flatMap(importsOf)
    .filter(({ to, isTypeOnly }) => !isTypeOnly && !to.startsWith('node:') && !product.includes(to))
    .map(({ to }) => /^(?:@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to)
  // Given for the calls to LiveKit's room service, which nothing makes yet.
  const notYetImported = ['livekit-server-sdk']
  expect(Object.keys(dependencies).sort()).toEqual([...new Set([...imported, ...notYetImported])].sort())
})

describe('what the Dockerfile builds', { timeout: BUILD_TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'shipping-'))
  const app = join(folder, 'app')
  const filesBelow = (path: string) =>
    readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => /\.\w+$/.test(file))
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const builder = new Stages(stages, root, folder, () => {})
  const stageOf = (name: string) => stages.find((stage) => stage.name === name) ?? stages[0]
  const page = 'cells/realm-provider/console/page'
  const sentAsItIs = readdirSync(join(root, page)).map((file) => `${page}/${file}`)
  const built = [...product.map((file) => file.replace(/\.ts$/, '.js')), ...sentAsItIs].sort()

  beforeAll(async () => {
    mkdirSync(app)
    cpSync(join(root, 'package.json'), join(app, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'))
    for (const step of stageOf('build').steps) {
      if (step.does === 'copy') await builder.copy(step, folder, '/app')
      else if (step.does === 'run') await runCommand('bash', ['-ec', step.command], { cwd: app, timeoutMs: BUILD_TIMEOUT_MS })
    }
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is the product, without fixtures, tests, generators and tools', () => {
    expect(filesBelow(join(app, 'dist')).sort()).toEqual(built)
  })

  test('has the packages that it lists for scanners and in NOTICE, readable for every user', async () => {
    const modules = join(await builder.root('modules'), 'app')
    const { components } = JSON.parse(readFileSync(join(modules, 'sbom.cdx.json'), 'utf8')) as { components: Named[] }
    const listed = components.map(({ name, version }) => `${name} ${version}`)
    // One that is installed under the name of another has that name.
    const locked = lockedPackages()
      .filter(({ dev }) => !dev)
      .map(({ path, version }) => `${path.replace(/^.*node_modules\//, '')} ${version}`)
    expect([...new Set(listed)].sort()).toEqual([...new Set(locked)].sort())
    const all = readdirSync(join(modules, 'node_modules'), { recursive: true, encoding: 'utf8' })
    const unreadable = all.filter((path) => (statSync(join(modules, 'node_modules', path)).mode & 0o004) === 0)
    expect([all.length > 1_000, unreadable]).toEqual([true, []])
  })

  test('is what npm publishes, beside the CRDs, the examples and the licence', async () => {
    const others = ['README.md', 'NOTICE', 'examples', 'docs', 'helm', 'tools', 'testing', 'e2e', 'bench']
    for (const name of ['LICENSE', ...others]) cpSync(join(root, name), join(app, name), { recursive: true })
    const listing = await runCommand('npm', ['pack', '--dry-run', '--json'], { cwd: app })
    const [tarball] = JSON.parse(listing) as { files: { path: string }[] }[]
    const published = tarball?.files.map(({ path }) => path) ?? []
    const beside = [
      'LICENSE',
      'NOTICE',
      'README.md',
      'crds/commscell.crd.yaml',
      'crds/realm.crd.yaml',
      'examples/realm.yaml',
      'examples/world.yaml',
      'package.json',
    ]
    expect(published.sort()).toEqual([...built.map((file) => `dist/${file}`), ...beside].sort())
  })
})
