/**
 * The HTTP interface of Symbolon, one function for each call, made from its OpenAPI document.
 * @module
 */

export { type ApiClient, type ApiResult, type Call, type CallInput, type CallOptions, type ClientOptions, type Page, ApiError, createClient, eachItem, unwrap } from "./api/client.js";
export { type Code, type LocalCode, SymbolonError } from "./errors.js";
export * from "./api/generated.js";
