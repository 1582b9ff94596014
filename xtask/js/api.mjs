// The API client of the npm package, from the OpenAPI document: `node xtask/js/api.mjs openapi.json OUT.ts`.
//
// A type for each schema, and for each call a function of its own, so that a bundle holds those that are used. What they
// share is written by hand (crates/web/npm/src/api/client.ts). It reads what our own document uses of JSON Schema, and
// refuses what it does not know, so that nothing is typed wrongly in silence. openapi-typescript was tried first: it
// needs the compiler's interface of TypeScript 5, which the TypeScript of this workspace has no more.
import { readFileSync, writeFileSync } from "node:fs";

/** What a schema may say; annotations and bounds that types cannot express are listed too. */
const KNOWN = new Set([
  "$ref", "additionalProperties", "allOf", "anyOf", "const", "default", "deprecated", "description", "enum", "examples", "format", "items", "maxItems",
  "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "oneOf", "pattern", "properties", "propertyNames", "readOnly", "required",
  "title", "type", "uniqueItems", "writeOnly",
]);
/** Paths that are no calls for a program that speaks this interface: proxies ask the one, clients of other systems the others. */
const LEFT_OUT = ["/v1/forward-auth/", "/api/", "/orchestrator/"];
/** The methods that have a function; HEAD and OPTIONS say nothing that the others do not. */
const METHODS = ["get", "post", "put", "patch", "delete"];
const PASSPHRASE = "#/components/parameters/Passphrase";

const pascal = (name) => name[0].toUpperCase() + name.slice(1);
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const union = (parts) => [...new Set(parts)].join(" | ") || "never";

/** A comment of documentation; nothing where there is nothing to say. */
function comment(text, indent) {
  const lines = (text ?? "").trim().replaceAll("*/", "*\\/").split("\n").map((line) => line.trimEnd());
  if (lines.length === 1) return lines[0] === "" ? "" : `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

/** The type of a schema. */
function type(schema, indent = "") {
  if (schema === true) return "unknown";
  if (schema === false) return "never";
  for (const word of Object.keys(schema)) if (!KNOWN.has(word)) throw new Error(`a schema says ${word}, which is not known here: ${JSON.stringify(schema)}`);
  const parts = [];
  if (schema.$ref !== undefined) parts.push(reference(schema.$ref));
  if (schema.const !== undefined) parts.push(JSON.stringify(schema.const));
  else if (schema.enum !== undefined) parts.push(union(schema.enum.map((one) => JSON.stringify(one))));
  else if (schema.type !== undefined) parts.push(union([schema.type].flat().map((name) => named(name, schema, indent))));
  else if (schema.properties !== undefined) parts.push(named("object", schema, indent));
  for (const alternatives of [schema.oneOf, schema.anyOf]) if (alternatives !== undefined) parts.push(union(alternatives.map((one) => type(one, indent))));
  for (const one of schema.allOf ?? []) parts.push(type(one, indent));
  if (parts.length === 0) return "unknown";
  // `object` beside alternatives that say all of it adds nothing.
  const telling = parts.length > 1 ? parts.filter((part) => part !== "Readonly<Record<string, unknown>>") : parts;
  return telling.length === 1 ? telling[0] : telling.map((part) => (part.includes(" | ") ? `(${part})` : part)).join(" & ");
}

function named(name, schema, indent) {
  switch (name) {
    case "string": case "boolean": case "null": return name;
    case "integer": case "number": return "number";
    case "array": {
      const item = type(schema.items ?? true, indent);
      return `readonly ${/[|&]/.test(item) && !item.startsWith("{") ? `(${item})` : item}[]`;
    }
    case "object": return object(schema, indent);
    default: throw new Error(`a schema has the type ${name}`);
  }
}

function object({ properties, required = [], additionalProperties }, indent) {
  const rest = additionalProperties === undefined || typeof additionalProperties === "boolean" ? "unknown" : type(additionalProperties, indent);
  if (properties === undefined) return `Readonly<Record<string, ${rest}>>`;
  const deeper = `${indent}  `;
  const members = Object.entries(properties).map(
    ([name, schema]) => `${comment(schema.description, deeper)}${deeper}readonly ${key(name)}${required.includes(name) ? "" : "?"}: ${type(schema, deeper)};\n`,
  );
  return members.length === 0 ? "Readonly<Record<string, never>>" : `{\n${members.join("")}${indent}}`;
}

function reference(text) {
  const found = /^#\/components\/schemas\/(\w+)$/.exec(text);
  if (found === null) throw new Error(`${text} is no reference to a schema`);
  return found[1];
}

/** What a call takes of one place (path, query, header), as a type; undefined where there is nothing. */
function group(parameters, place) {
  const those = parameters.filter((parameter) => parameter.in === place);
  if (those.length === 0) return undefined;
  const members = those.map((parameter) => {
    const text = `${comment(parameter.description, "    ")}    readonly ${key(place === "header" ? parameter.name.toLowerCase() : parameter.name)}`;
    return `${text}${parameter.required ? "" : "?"}: ${type(parameter.schema, "    ")};\n`;
  });
  return { required: those.some((parameter) => parameter.required), text: `{\n${members.join("")}  }` };
}

/** Whether a program with a token, or with none, can make the call. */
function forPrograms(path, operation) {
  if (LEFT_OUT.some((prefix) => path.startsWith(prefix))) return false;
  const security = operation.security ?? [];
  if (security.length === 0) return !path.startsWith("/v1/sessions");
  return security.some((one) => "bearer" in one || "signature" in one);
}

function call(method, path, operation, shared) {
  const { operationId: id, requestBody, responses } = operation;
  const parameters = [...shared, ...(operation.parameters ?? [])].filter((parameter) => parameter.$ref !== PASSPHRASE);
  for (const parameter of parameters) if (parameter.$ref !== undefined) throw new Error(`${id}: ${parameter.$ref} is not known here`);
  const groups = [["path", group(parameters, "path")], ["query", group(parameters, "query")], ["headers", group(parameters, "header")]];
  const [media, content] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  if (content !== undefined) groups.push(["body", { required: requestBody.required === true, text: type(content.schema, "  ") }]);
  const said = groups.filter(([, value]) => value !== undefined);
  const input = `${pascal(id)}Input`;
  const members = said.map(([name, { required, text }]) => `  readonly ${name}${required ? "" : "?"}: ${text};\n`).join("");
  const answers = Object.entries(responses).filter(([status]) => status.startsWith("2")).flatMap(([, response]) => {
    const found = Object.entries(response.content ?? {});
    return found.length === 0 ? ["undefined"] : found.map(([kind, { schema }]) => (/json$/.test(kind) && !/ndjson$/.test(kind) ? type(schema) : "string"));
  });
  // The client takes JSON for granted: of another answer it has to know.
  const kinds = Object.entries(responses).filter(([status]) => status.startsWith("2")).flatMap(([, response]) => Object.keys(response.content ?? {}));
  const answer = kinds.find((kind) => kind !== "application/json");
  if (answer !== undefined && kinds.some((kind) => kind !== answer)) throw new Error(`${id}: answers of several media types are not known here`);
  const needed = said.some(([, value]) => value.required);
  const spec = [`method: ${JSON.stringify(method.toUpperCase())}`, `path: ${JSON.stringify(path)}`, ...(media === undefined ? [] : [`body: ${JSON.stringify(media)}`]), ...(answer === undefined ? [] : [`answer: ${JSON.stringify(answer)}`])];
  const text = [operation.summary, operation.description, `\`${method.toUpperCase()} ${path}\``].filter((part) => part).join("\n\n");
  return `/** What {@link ${id}} takes. */
export interface ${input} extends CallOptions {
${members}}

${comment(text, "")}export const ${id} = (client: ApiClient, input: ${input}${needed ? "" : " = {}"}): Promise<ApiResult<${union(answers)}>> =>
  client.send({ ${spec.join(", ")} }, input);
`;
}

const [source, out] = process.argv.slice(2);
const document = JSON.parse(readFileSync(source, "utf8"));

/** The declaration of a schema. */
function declaration(name, schema) {
  const body = type(schema);
  const declared = body.startsWith("{") && body.endsWith("}") && !/^\}.*[|&]/m.test(body) ? `interface ${name} ${body}` : `type ${name} = ${body};`;
  return `${comment(schema.description, "")}export ${declared}\n`;
}

/** The names of the schemas that a value names, and of those that these name: what only other calls use stays out. */
function namedIn(value, found = new Set()) {
  for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    if (found.has(name)) continue;
    found.add(name);
    namedIn(document.components.schemas[name], found);
  }
  return found;
}

const made = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method] !== undefined && forPrograms(path, item[method])).map((method) => ({ method, path, item })),
);
const used = namedIn(made.map(({ method, item }) => [item[method], item.parameters ?? []]));
const schemas = Object.entries(document.components.schemas).filter(([name]) => used.has(name)).map(([name, schema]) => declaration(name, schema));
const calls = made.map(({ method, path, item }) => call(method, path, item[method], item.parameters ?? []));
writeFileSync(out, `// Made from the OpenAPI document by xtask/js/api.mjs.\n\nimport type { ApiClient, ApiResult, CallOptions } from "./client.js";\n\n${[...schemas, ...calls].join("\n")}`);
