import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const PRINT_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({ load: (url, context, next) => { if (url.startsWith('file:')) console.log('loaded', url); return next(url, context) } })`)}`

function aCheckout() {
  const folder = freshFolder()
  for (const path of [
    'cells',
    'cli',
    'operator',
    'crds',
    'tools/bundle.ts',
    'tools/start',
    'package.json',
    'package-lock.json',
  ]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(root, path), join(folder, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  return {
    folder,
    makeBundle: () => run('tools/start/make-bundle.js'),
    help: () => {
      const printed = run('--import', PRINT_LOADED, 'tools/start/main.js', '--help')
      const loaded = [...printed.matchAll(/^loaded file:\/\/(.*)$/gm)].map(([, file = '']) => file.slice(folder.length + 1))
      return { printed, loaded: loaded.filter((file) => !file.startsWith('..')) }
    },
    bundles: () => readdirSync(folder).filter((name) => name.startsWith('.start-')),
  }
}

test('npm start runs the sources, then a bundle of them, and the sources again once one is saved', { timeout: 120_000 }, () => {
  const checkout = aCheckout()
  expect(checkout.help().loaded).toContain('cli/main.ts')

  checkout.makeBundle()
  const [bundle, ...others] = checkout.bundles()
  expect(others).toEqual([])
  const { printed, loaded } = checkout.help()
  expect(printed).toContain('Runs realms')
  expect(loaded).toContain(`${bundle}/cli/main.js`)
  expect(loaded.filter((file) => file.endsWith('.ts'))).toEqual([])

  const program = join(checkout.folder, 'cli/program.ts')
  writeFileSync(program, readFileSync(program, 'utf8').replace('Runs realms', 'Changed'))
  expect(checkout.help().printed).toContain('Changed')

  checkout.makeBundle()
  expect(checkout.bundles()).toHaveLength(2)
  expect(checkout.help().printed).toContain('Changed')
  expect(checkout.help().loaded.filter((file) => file.endsWith('.ts'))).toEqual([])
})

test('npm makes the bundle when it has installed the packages, and goes on where it cannot', { timeout: 120_000 }, () => {
  const checkout = aCheckout()
  const prepare = (folder: string) => execFileSync('npm', ['run', 'prepare'], { cwd: folder, encoding: 'utf8' })
  prepare(checkout.folder)
  expect(checkout.help().loaded).toContain(`${checkout.bundles()[0]}/cli/main.js`)

  const withoutSources = freshFolder()
  cpSync(join(root, 'package.json'), join(withoutSources, 'package.json'))
  prepare(withoutSources)
  rmSync(join(checkout.folder, 'tools/bundle.ts'))
  prepare(checkout.folder)
  expect(checkout.bundles()).toHaveLength(1)
})

test('of many changes only the last bundles are kept', { timeout: 120_000 }, () => {
  const checkout = aCheckout()
  for (let old = 0; old < 9; old++) mkdirSync(join(checkout.folder, `.start-${old}`))
  checkout.makeBundle()
  expect(checkout.bundles()).toHaveLength(5)
})
