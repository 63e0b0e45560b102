import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { aGatekeeper, answerOf } from '../fixtures.ts'
import { declaredRoutes } from './declared-routes.ts'
import { answersOf, openApiOf } from './openapi.ts'

interface Operation {
  summary: string
  parameters?: { name: string; in: string; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>
}
const document = openApiOf(declaredRoutes, '1.2.3') as unknown as { paths: Record<string, Record<string, Operation>> }
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('the document is served, and has every route', async (t) => {
  const { url } = await aGatekeeper(t)
  expect(await answerOf(await fetch(`${url}/openapi.json`))).toEqual([200, document])
  expect(operations.length).toBe(declaredRoutes.length)
})

test('every declared route is served', async (t) => {
  const { url } = await aGatekeeper(t)
  for (const { method, path } of declaredRoutes) {
    const answer = await fetch(url + path.replace(/:\w+/g, 'x'), { method })
    expect([405, 500], `${method} ${path}`).not.toContain(answer.status)
    expect(await answer.text(), `${method} ${path}`).not.toBe('{"error":"Not Found"}') // no such route
  }
})

test.for(operations)('$method $path has valid schemas, and every parameter of its path', ({ path, operation }) => {
  const { parameters = [], requestBody, responses } = operation
  const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`)
  expect(named).toEqual(path.match(/\{\w+\}/g) ?? [])
  const contents = [requestBody, ...Object.values(responses)].flatMap((part) => Object.values(part?.content ?? {}))
  for (const { schema } of [...contents, ...parameters]) new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
  expect(operation.summary).toMatch(/\.$/)
})

test('a route has the answers of its authentication and of its schemas beside its own', () => {
  for (const declaration of declaredRoutes) {
    const statuses = Object.keys(answersOf(declaration)).map(Number)
    expect(statuses).toEqual(expect.arrayContaining([503, ...Object.keys(declaration.answers).map(Number)]))
    if (declaration.authentication === 'service') expect(statuses).toContain(401)
    if (declaration.body) expect(statuses).toContain(400)
  }
})
