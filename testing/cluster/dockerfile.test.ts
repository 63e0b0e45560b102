import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseDockerfile } from './dockerfile.ts'
import { settingsOf } from './image.ts'

const build = 'docker.io/library/node:24.21.0-slim'
const base = 'gcr.io/distroless/nodejs24-debian13:nonroot'
const ours = parseDockerfile(readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8'))

test('the tests can execute every step of our Dockerfile without Docker', () => {
  expect(ours.map(({ name, base }) => [name, base])).toEqual([
    ['tools', build],
    ['build', 'tools'],
    ['modules', build],
    ['3', base],
  ])
})

test('the image is made by the Node.js that the tests run on, and has one of the same line, and labels that name the version and the base', () => {
  const { version, devDependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(build).toBe(`docker.io/library/node:${devDependencies.node}-slim`)
  expect(base).toContain(`/nodejs${devDependencies.node.split('.')[0]}-`)
  const labels = ours.at(-1)?.steps.flatMap((step) => (step.does === 'label' ? [[step.name, step.value]] : []))
  expect(Object.fromEntries(labels ?? [])).toEqual({
    'org.opencontainers.image.title': 'realm-operator',
    'org.opencontainers.image.version': version,
    'org.opencontainers.image.revision': '',
    'org.opencontainers.image.licenses': 'Apache-2.0',
    'org.opencontainers.image.base.name': base,
  })
})

test('the last stage only copies files, so that the image built without Docker has the same content', () => {
  const copied = ours.at(-1)?.steps.flatMap((step) => (step.does === 'copy' ? [[step.from, ...step.sources, step.target]] : []))
  expect(copied).toEqual([
    ['modules', '/app/node_modules', './node_modules'],
    ['modules', '/app/sbom.cdx.json', './'],
    ['build', '/app/dist', './dist'],
    [undefined, 'package.json', 'LICENSE', 'NOTICE', './'],
    [undefined, 'crds/realm.crd.yaml', 'crds/commscell.crd.yaml', 'crds/crds.gen.json', './crds/'],
  ])
  expect(ours.at(-1)?.steps.filter(({ does }) => does === 'run')).toEqual([])
})

test('the image runs the services as an unprivileged user', () => {
  expect(settingsOf(ours.at(-1) ?? ours[0])).toMatchObject({
    entrypoint: ['node', '--max-semi-space-size=16', '/app/dist/cells/main.js'],
    user: '65532:65532',
    workdir: '/app',
    env: { PATH: '/nodejs/bin:/usr/local/bin:/usr/bin:/bin', NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' },
  })
})

test('comments are dropped, and continued lines are joined', () => {
  const [stage] = parseDockerfile('# why\nFROM scratch\nRUN one && \\\n    two\n')
  expect(stage.steps).toEqual([{ does: 'run', command: 'one &&      two' }])
})

test('a parameter has its default, in every stage that names it', () => {
  const [stage] = parseDockerfile(`ARG BASE=one:2\nARG NONE=\nFROM \${BASE}\nARG BASE\nLABEL a.b=\${BASE}\nLABEL c=\${NONE}\n`)
  expect(stage).toMatchObject({ base: 'one:2', steps: [{ value: 'one:2' }, { value: '' }] })
})

test.each(['ADD a b', 'RUN --mount=type=cache npm ci', 'COPY --chown=1 a b', 'ENV A b', 'EXPOSE 80'])(
  '%s is refused and not ignored',
  (line) => {
    expect(() => parseDockerfile(`FROM scratch\n${line}\n`)).toThrow('is not supported')
  },
)
