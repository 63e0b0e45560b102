import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../cli/program.ts'
import { readCrd, type Schema } from '../../crds/schema.ts'
import { wordsOfCommand } from '../../testing/fenced-blocks.ts'
import { reasonSteps } from '../generate-docs/reason-steps.ts'
import { root } from '../house/sources.ts'
import { presentPages, type Typed, typedCommands } from './written-pages.ts'

// Commands in pages are typed by people as they stand there. They are read here; those of the README are run, too (e2e/readme.test.ts), and
// those about a realm in a cluster (e2e/page-commands.ts).

const typed = typedCommands()
type Read = Omit<Typed, 'text'>

/** The commands of one program, without its name. */
const commandsOf = (...name: string[]): Read[] =>
  typed
    .filter(({ words }) => name.every((word, index) => words[index] === word))
    .map(({ where, words }) => ({ where, words: words.slice(name.length) }))

/** What is wrong with some of them. */
const faultsOf = (commands: readonly Read[], faultOf: (words: readonly string[]) => string | undefined): string[] =>
  commands.flatMap(({ where, words }) => {
    const fault = faultOf(words)
    return fault === undefined ? [] : [`${where}: ${words.join(' ')}: ${fault}`]
  })

test('only programs are typed that these tests know', () => {
  const known = [
    'alias',
    'base64',
    'codesign',
    'curl',
    'date',
    'echo',
    'docker',
    'export',
    'helm',
    'kind',
    'kubectl',
    'mkdir',
    'npm',
    'npx',
    'openssl',
    'pg_dump',
    'pg_restore',
  ]
  const programs = new Set(typed.map(({ words: [program = ''] }) => program))
  expect([...programs].sort()).toEqual([...known, 'realmctl'].filter((program) => programs.has(program)).sort())
})

const realmctl = [...commandsOf('realmctl'), ...commandsOf('kubectl', 'realm'), ...commandsOf('npx', 'node', 'cli/main.ts')]

test('realmctl takes every command of it', () => {
  expect(realmctl.length).toBeGreaterThan(30)
  expect(faultsOf(realmctl, complaintOf)).toEqual([])
})

test('realmctl takes every command that is named within a sentence, which may leave out arguments', () => {
  const inline = presentPages().flatMap(({ file, text }) =>
    [...text.matchAll(/`realmctl ([a-z][^`]*)`/g)]
      .map(([, command = '']) => ({
        where: file,
        words: wordsOfCommand(command.replaceAll('0x…', '0x1')).filter((word) => word !== '…'),
      }))
      .filter(({ words }) => words.length > 0),
  )
  expect(inline.length).toBeGreaterThan(30)
  const faultOf = (words: readonly string[]) => {
    const complaint = complaintOf(words)
    return /missing required argument|required option|outputHelp/.test(complaint ?? '') ? undefined : complaint
  }
  expect(faultsOf(inline, faultOf)).toEqual([])
})

test('commands by which a person looks at what is wrong change nothing', () => {
  const reads = /^(kubectl (get|describe|logs|events) |realmctl (status|rollout status|top)\b|helm get |openssl s_client |date$)/
  const commands = Object.values(reasonSteps).flatMap(({ look }) => look)
  expect(commands.filter((command) => !reads.test(command))).toEqual([])
})

test('realmctl refuses what it does not know, so that these tests would notice', () => {
  expect(complaintOf(['status', 'main', '--no-such-option'])).toContain('unknown option')
  expect(complaintOf(['frobnicate'])).toContain('unknown command')
  expect(complaintOf(['scale'])).toContain('missing required argument')
})

/** What the command line of realmctl says about some words, without doing what they ask for. */
function complaintOf(words: readonly string[]): string | undefined {
  const complaints: string[] = []
  const harmless = (command: Command): void => {
    command
      .exitOverride((error) => {
        throw error
      })
      .configureOutput({ outputError: (text) => complaints.push(text.trim()), writeErr: () => {}, writeOut: () => {} })
    if (command.commands.length === 0) command.action(() => {})
    for (const each of command.commands) harmless(each)
  }
  const program = createProgram()
  harmless(program)
  try {
    program.parse(words, { from: 'user' })
  } catch (error) {
    return complaints[0] ?? String(error)
  }
  return complaints[0]
}

const { properties: chartValues } = JSON.parse(readFileSync(join(root, 'helm/values.schema.json'), 'utf8')) as Schema

/** Whether a schema has a value of a path; maps of names, and values without a schema of their own, have every one. */
function hasPath(schema: Schema | undefined, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined || schema === undefined) return schema !== undefined
  const inner = schema.type === 'array' ? schema.items : schema
  const next = inner?.properties?.[first]
  if (next) return hasPath(next, rest)
  return inner?.additionalProperties !== undefined && inner.additionalProperties !== (false as unknown)
}

const valuePath = (value: string): string[] => (value.split('=')[0] ?? '').replaceAll(/\[\d*\]/g, '').split('.')
const isChartValue = (path: readonly string[]): boolean => hasPath({ type: 'object', properties: chartValues ?? {} }, path)

test('helm is given values that the chart has, and files that exist', () => {
  const commands = [...commandsOf('helm'), ...commandsOf('npm', 'run', 'manifest')]
  expect(commands.length).toBeGreaterThan(8)
  const faultOf = (words: readonly string[]) =>
    words
      .flatMap((word, index) => {
        const given = words[index + 1] ?? ''
        if (word === '--set') return isChartValue(valuePath(given)) ? [] : [`the chart has no value ${given}`]
        const isOurs = word === '-f' && given.startsWith('helm/')
        return isOurs && !existsSync(join(root, given)) ? [`there is no file ${given}`] : []
      })
      .at(0)
  expect(faultsOf(commands, faultOf)).toEqual([])
  expect(isChartValue(['operator', 'replica'])).toBe(false)
})

const VERBS = [
  'annotate',
  'apply',
  'config',
  'create',
  'delete',
  'describe',
  'events',
  'exec',
  'explain',
  'get',
  'label',
  'logs',
  'patch',
  'scale',
  'wait',
]
const KINDS =
  /^(realms?|commscells?|crd|pods?|deployments?|services?|secrets?|ingress|jobs|hpa|ingresses|events|resourcequotas|limitranges|certificates|nodes|namespaces?|networkpolicies|ingressclasses|gateways|gatewayclasses|httproutes)$/

test('kubectl has the verbs and kinds that it is asked for, and the files that it applies exist', () => {
  const commands = commandsOf('kubectl').filter(({ words: [verb] }) => verb !== 'realm')
  expect(commands.length).toBeGreaterThan(30)
  const faultOf = ([verb = '', ...rest]: readonly string[]) => {
    if (!VERBS.includes(verb)) return `kubectl has no verb ${verb} that these tests know`
    const file = rest[rest.indexOf('-f') + 1]
    const isOurs = rest.includes('-f') && /^(crds|examples|helm)\//.test(file ?? '')
    if (isOurs && !existsSync(join(root, file ?? ''))) return `there is no ${file}`
    if (!['get', 'describe', 'delete', 'scale', 'patch'].includes(verb) || rest.includes('-f')) return undefined
    const kinds = (rest.find((word) => !word.startsWith('-')) ?? '').split('/')[0]?.split(',') ?? []
    const unknown = kinds.find((kind) => !KINDS.test(kind))
    return unknown === undefined ? undefined : `kind ${unknown}`
  }
  expect(faultsOf(commands, faultOf)).toEqual([])
})

test('npm runs scripts that the package has', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const known = new Set([...Object.keys(scripts), 'ci', 'run'])
  const named = commandsOf('npm').map(({ where, words }) => ({ where, words: words.filter((word) => !word.startsWith('-')) }))
  expect(
    faultsOf(named, ([verb = '', script = 'test']) => (known.has(verb === 'run' ? script : verb) ? undefined : 'no script')),
  ).toEqual([])
})

test('every field of a Realm or CommsCell, and every value of the chart, that a page names exists', () => {
  const schemas = ['realm.crd.yaml', 'commscell.crd.yaml'].map(
    (file) => readCrd(file as 'realm.crd.yaml').spec.versions[0]?.schema.openAPIV3Schema,
  )
  const known = (path: string[]) =>
    isChartValue(path) || schemas.some((schema) => [path, ['spec', ...path]].some((each) => hasPath(schema, each)))
  const firsts = new Set([
    ...['spec', 'status', ...Object.keys(chartValues ?? {})],
    ...schemas.flatMap((schema) => Object.keys(schema?.properties?.spec?.properties ?? {})),
  ])
  const isGenerated = (file: string) => file.startsWith('docs/reference/') || file === 'helm/README.md'
  const written = presentPages().filter(({ file }) => !isGenerated(file))
  const named = written.flatMap(({ file, text }) =>
    [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/`([a-z]\w*(?:\.[a-z]\w*(?:\[\d*\])?)+)(?:[:=] ?[^`]*)?`/g)]
      .map(([, path = '']) => ({ file, path }))
      .filter(({ path }) => firsts.has(path.split('.')[0] ?? '') && !/\.(json|md|ts|txt|yaml)$/.test(path)),
  )
  expect(named.length).toBeGreaterThan(100)
  expect(named.filter(({ path }) => !known(valuePath(path))).map(({ file, path }) => `${file}: ${path}`)).toEqual([])
})
