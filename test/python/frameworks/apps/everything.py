"""The same application in five frameworks, each under CPython's own wsgiref.validate."""

from wsgiref.validate import validator

import in_bottle
import in_django
import in_falcon
import in_flask
import in_pyramid

flask = validator(in_flask.app)
django = validator(in_django.application)
bottle = validator(in_bottle.app)
falcon = validator(in_falcon.app)
pyramid = validator(in_pyramid.app)
