// A refusal (RFC 9457) as an error, with the stable code that tells causes apart.

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

interface ProblemDocument {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retry_after?: number;
  readonly required?: string;
}

export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly errors: readonly FieldError[];
  readonly detail: string | undefined;
  readonly retryAfter: number | undefined;
  readonly required: string | undefined;

  constructor(
    /** The stable code; `network` where no answer came, `unexpected` where it was none of ours. */
    readonly code: string,
    readonly status: number,
    document: ProblemDocument = {},
  ) {
    super(document.title ?? code);
    this.detail = document.detail;
    this.errors = document.errors ?? [];
    this.retryAfter = document.retry_after;
    this.required = document.required;
  }
}

/** Reads the problem that an answer carries, whoever sent it. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const text = await response.text().catch(() => "");
  if (/^application\/(problem\+)?json\b/.test(response.headers.get("content-type") ?? "")) {
    try {
      const document: unknown = JSON.parse(text);
      if (typeof document === "object" && document !== null) {
        const problem = document as ProblemDocument;
        return new ApiProblem(problem.code ?? "unexpected", response.status, problem);
      }
    } catch {
      // Not JSON after all: told below as what it is.
    }
  }
  return new ApiProblem("unexpected", response.status);
}
