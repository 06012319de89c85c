"""A JSON file of a model bundle as the value it stands for; what it is not is told by name."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import BadInput

Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], files: Mapping[str, bytes], name: str) -> Model:
    """The file `name` of a bundle; BadInput where it is missing or says something else."""
    try:
        return model.model_validate_json(content(files, name))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{name} of the model bundle: {where}: {first['msg']}; train and register the model "
            "again, or install the release that made it"
        ) from error


def content(files: Mapping[str, bytes], name: str) -> bytes:
    """The bytes of a file of a bundle.

    >>> content({"card.json": b"{}"}, "model.txt")
    Traceback (most recent call last):
    domain.errors.BadInput: the model bundle has no model.txt; train and register the model again
    """
    if name not in files:
        raise BadInput(f"the model bundle has no {name}; train and register the model again")
    return files[name]
