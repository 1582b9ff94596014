// What narrows a list. Where there is room all of it stands in a line; on a narrow page the search alone, and the rest
// behind a button, so that the list itself is in sight.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { t } from "../text";
import { Button } from "./basics";
import { Icon } from "./icons";

interface FiltersProps {
  /** The field that is always in sight. */
  readonly search?: ComponentChildren;
  /** How many of the others narrow the list now. */
  readonly set: number;
  readonly children: ComponentChildren;
}

export function Filters({ search, set, children }: FiltersProps) {
  const [open, setOpen] = useState(false);
  return (
    <div class="filters" role="search">
      {search}
      <div class="filters-toggle">
        <Button look="full" expanded={open} onClick={() => setOpen(!open)}>
          <Icon name="filter" />
          {t.common.filters(set)}
        </Button>
      </div>
      <div class={`filters-rest ${open ? "open" : ""}`}>{children}</div>
    </div>
  );
}
