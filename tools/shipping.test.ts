import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDockerfile } from '../testing/cluster/dockerfile.ts'
import { Stages } from '../testing/cluster/stages.ts'
import { runCommand } from '../testing/parts/command.ts'
import { startProgram } from '../testing/program.ts'
import { besidePrograms, programs, separate } from './bundle.ts'
import { packageOf } from './house/loaded.ts'
import { importsOf, isForTests, sourceFiles } from './house/sources.ts'
import { lockedPackages } from './locked-packages.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const product = sourceFiles().filter((file) => !isForTests(file))
const BUILD_TIMEOUT_MS = 120_000
/** What packages use where a user installed it, and do without in the image. */
const OPTIONAL = ['bufferutil', 'pg-native', 'utf-8-validate']
/** The modules that a file of a bundle imports, apart from other files of the bundle. */
const IMPORTED =
  /^(?:import|export)\b(?:[^'"\n]*\bfrom )?["']([^"'.][^"']*)["']|\b(?:import|__require)\(["']([^"'.][^"']*)["']\)/gm
/** How a program names a file that is beside it. */
const BESIDE = /siblingModule\(import\.meta\.url, "(.+?)"\)|new URL\("(\.\/[\w./-]+)", import\.meta\.url\)/g

interface Named {
  name: string
  version: string
}

test('the production dependencies are the packages that the product imports', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  const imported = product
    .flatMap(importsOf)
    .filter(({ to, isTypeOnly }) => !isTypeOnly && !to.startsWith('node:') && !product.includes(to))
    .map(({ to }) => packageOf(to))
  expect(Object.keys(dependencies).sort()).toEqual([...new Set(imported)].sort())
})

describe('what the Dockerfile builds', { timeout: BUILD_TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'shipping-'))
  const app = join(folder, 'app')
  const filesBelow = (path: string) =>
    readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) => /\.\w+$/.test(file))
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
  const builder = new Stages(stages, root, folder, () => {})
  const stageOf = (name: string) => stages.find((stage) => stage.name === name) ?? stages[0]
  const PATH = `${dirname(process.execPath)}:${process.env.PATH}`
  const run = (command: string, args: string[]) =>
    runCommand(command, args, { cwd: app, env: { PATH }, timeoutMs: BUILD_TIMEOUT_MS })
  const textsOfBundle = () =>
    filesBelow(join(app, 'dist')).map((file) => [file, readFileSync(join(app, 'dist', file), 'utf8')] as const)

  beforeAll(async () => {
    mkdirSync(app)
    cpSync(join(root, 'package.json'), join(app, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'))
    for (const step of stageOf('build').steps) {
      if (step.does === 'copy') await builder.copy(step, folder, '/app')
      else if (step.does === 'run') await run('bash', ['-ec', step.command])
    }
  }, BUILD_TIMEOUT_MS)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is the programs with what they use of the product, and the packages that stay files of their own', () => {
    const texts = textsOfBundle()
    expect(texts.map(([file]) => file)).toEqual(expect.arrayContaining(Object.keys(programs).map((name) => `${name}.js`)))
    const modules = texts.flatMap(([, text]) =>
      [...text.matchAll(/^\/\/ (?!.*node_modules)(\S+\.ts)$/gm)].map(([, path]) => path ?? ''),
    )
    expect(modules).toEqual(expect.arrayContaining(['cells/connector/main.ts', 'operator/main.ts', 'cli/main.ts']))
    expect(modules.filter((path) => !product.includes(path))).toEqual([])
    const imported = texts.flatMap(([, text]) => [...text.matchAll(IMPORTED)].map(([, one, other]) => one ?? other ?? ''))
    const packages = imported.filter((module) => !isBuiltin(module)).map(packageOf)
    expect([...new Set(packages)].sort()).toEqual([...Object.keys(separate), ...OPTIONAL].sort())
  })

  test('has what a program looks for beside it: its threads, the page of the console, a new database, and what realmctl installs', () => {
    const soughtIn = ([file, text]: readonly [string, string]) =>
      [...text.matchAll(BESIDE)].map(([, thread, path]) =>
        join(app, 'dist', dirname(file), thread ? `${thread}.js` : (path ?? '')),
      )
    const sought = textsOfBundle().flatMap(soughtIn)
    expect(sought.length).toBe(5)
    expect(sought.filter((path) => !existsSync(path))).toEqual([])
  })

  test.each([
    'connector',
    'archipelago',
    'stats',
    'gatekeeper',
    'gatekeeper-migrate',
    'gatekeeper-backup',
    'gatekeeper-restore',
    'pulse',
    'realm-provider',
    'operator',
  ])('loads %s, which names what is missing in its environment', async (service) => {
    const args = service === 'operator' ? ['dist/operator/main.js'] : ['dist/cells/main.js', service]
    const env = { HTTP_SERVER_PORT: 'none', KUBERNETES_SERVICE_HOST: '', HOME: folder }
    await using program = startProgram(process.execPath, args, { cwd: app, env })
    expect([await program.ended, program.output()]).toEqual([2, expect.stringContaining('the configuration is not usable')])
  })

  test('loads the exporter of spans where a collector is named', async () => {
    const env = {
      ...{ IMAGE_REPOSITORY: 'realm-operator', PROVIDER_URL: 'http://provider', HOME: folder, KUBECONFIG: join(folder, 'none') },
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    }
    await using program = startProgram(process.execPath, ['dist/operator/main.js'], { cwd: app, env })
    await program.ended
    expect(program.output()).toContain('spans are exported')
  })

  test('has the packages that it lists for scanners and in NOTICE, readable for every user', async () => {
    const modules = join(await builder.root('modules'), 'app')
    const { components } = JSON.parse(readFileSync(join(modules, 'sbom.cdx.json'), 'utf8')) as { components: Named[] }
    const listed = components.map(({ name, version }) => `${name} ${version}`)
    // One that is installed under the name of another has that name.
    const locked = lockedPackages()
      .filter(({ dev, os = ['linux'], cpu = [process.arch] }) => !dev && os.includes('linux') && cpu.includes(process.arch))
      .map(({ path, version }) => `${path.replace(/^.*node_modules\//, '')} ${version}`)
    expect([...new Set(listed)].sort()).toEqual([...new Set(locked)].sort())
    const all = readdirSync(join(modules, 'node_modules'), { recursive: true, encoding: 'utf8' })
    const unreadable = all.filter((path) => (statSync(join(modules, 'node_modules', path)).mode & 0o004) === 0)
    expect([all.length > 1_000, unreadable]).toEqual([true, []])
  })

  test('npm publishes the product in files of its own, beside the CRDs, the examples and the licence', async () => {
    const others = ['README.md', 'NOTICE', 'examples', 'docs', 'helm', 'tools', 'testing', 'e2e', 'bench']
    for (const name of ['LICENSE', 'tsconfig.json', 'tsconfig.build.json', ...others])
      cpSync(join(root, name), join(app, name), { recursive: true })
    await run(process.execPath, ['tools/build.ts'])
    const filesOf = (path: string) =>
      statSync(join(root, path)).isFile() ? [path] : filesBelow(join(root, path)).map((file) => `${path}/${file}`)
    const built = [
      ...product.filter((file) => !file.endsWith('.d.ts')).map((file) => file.replace(/\.ts$/, '.js')),
      ...besidePrograms.flatMap(filesOf),
    ]
    const listing = await run('npm', ['pack', '--dry-run', '--json'])
    const [tarball] = JSON.parse(listing) as { files: { path: string }[] }[]
    const published = tarball?.files.map(({ path }) => path) ?? []
    const beside = [
      'LICENSE',
      'NOTICE',
      'README.md',
      'crds/commscell.crd.yaml',
      'crds/crds.gen.json',
      'crds/realm.crd.yaml',
      ...filesOf('examples'),
      'package.json',
    ]
    expect(published.sort()).toEqual([...built.map((file) => `dist/${file}`), ...beside].sort())
  })
})
