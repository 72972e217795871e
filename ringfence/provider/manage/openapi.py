"""The management API in the words of OpenAPI 3.1, made from the table of routes."""

import re
from typing import Any

import msgspec

from ringfence import __version__
from ringfence.provider.manage.routes import ROUTES, Refusal, Route

_REFUSALS = {
    "400": "What was sent will not do",
    "401": "No token, or one that does not count",
    "403": "The token does not allow this",
    "404": "There is none of that name",
    "503": "The inventory does not answer",
}


def description() -> dict[str, Any]:
    """Return the description of every route."""
    types = [each for route in ROUTES for each in (route.answer, route.given)]
    told = [each for each in types if each not in (None, bytes, str)]
    schemas, components = msgspec.json.schema_components(
        [*told, Refusal], ref_template="#/components/schemas/{name}"
    )
    known = {repr(kind): schema for kind, schema in zip([*told, Refusal], schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, known)
    token = {"type": "http", "scheme": "bearer"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringfence provider", "version": __version__},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": token}},
    }


def _operation(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    refusal = {"application/json": {"schema": known[repr(Refusal)]}}
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.purpose,
        "responses": {"200" if route.answer else "204": _response(route, known)},
    }
    if route.role:
        made["security"] = [{"token": []}]
        made["description"] = f"Needs a token of the role {route.role.value}."
        made["responses"] |= {
            status: {"description": said, "content": refusal} for status, said in _REFUSALS.items()
        }
    text = {"type": "string"}
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": text} for name in route.query]
    if parameters:
        made["parameters"] = parameters
    if route.given:
        schema = {"application/json": {"schema": known[repr(route.given)]}}
        made["requestBody"] = {"required": True, "content": schema}
    return made


def _response(route: Route, known: dict[str, Any]) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "Done"}
    if route.answer is bytes:
        return {"description": "A file", "content": {"application/octet-stream": {}}}
    if route.answer is str:
        return {"description": "Text", "content": {"text/plain": {"schema": {"type": "string"}}}}
    schema = {"application/json": {"schema": known[repr(route.answer)]}}
    return {"description": "Done", "content": schema}
